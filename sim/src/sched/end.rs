//! How a run ended, and where its tasks stood.

use std::fmt;

use seawall_os::site::{Scope, Site};
use seawall_os::sync::Time;
use seawall_os::sync::hook::WaitId;

use crate::choice::{Actor, TaskName};

/// How the tasks of a world came to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum RunEnd {
    /// All of them ended.
    Finished,
    /// A task called [`crate::sched::Scheduler::stop`]; it and the others are leaked.
    Stopped,
    /// Every task waits, none for a deadline.
    Deadlock(Vec<TaskPosition>),
    /// There were more steps than the budget allows: a livelock, or a budget too small.
    BudgetExceeded(Vec<TaskPosition>),
    /// A task panicked; the others are leaked.
    Panicked {
        /// Which.
        task: TaskName,
        /// What the panic said.
        message: String,
        /// File, line and column.
        location: String,
    },
}

impl fmt::Display for RunEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, positions) = match self {
            RunEnd::Finished => return f.write_str("finished"),
            RunEnd::Stopped => return f.write_str("stopped"),
            RunEnd::Panicked { task, message, location } => {
                return write!(f, "task {task} panicked at {location}: {message}");
            }
            RunEnd::Deadlock(positions) => ("deadlock", positions),
            RunEnd::BudgetExceeded(positions) => ("step budget exceeded", positions),
        };
        f.write_str(what)?;
        for position in positions {
            write!(f, "\n  {position}")?;
        }
        Ok(())
    }
}

/// The last point that a task reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It never ran.
    Start,
    /// A point of [`seawall_os::sync`], by scope and name.
    Point(Scope, &'static str),
    /// A file system call.
    Call(Site),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Start => f.write_str("its start"),
            Place::Point(scope, point) => write!(f, "{}/{point}", scope.name()),
            Place::Call(site) => fmt::Display::fmt(site, f),
        }
    }
}

/// Where a task stood when its run ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPosition {
    /// The task.
    pub task: TaskName,
    /// Whom it acted as.
    pub actor: Actor,
    /// Where.
    pub place: Place,
    /// What it waits on, if it does.
    pub waits_on: Option<WaitId>,
    /// Until when it waits or sleeps, if it does.
    pub deadline: Option<Time>,
}

impl fmt::Display for TaskPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) at {}", self.task, self.actor, self.place)?;
        match (self.waits_on, self.deadline) {
            (Some(on), None) => write!(f, ", waits on #{}", on.0),
            (Some(on), Some(until)) => write!(f, ", waits on #{} until {until}", on.0),
            (None, Some(until)) => write!(f, ", sleeps until {until}"),
            (None, None) => f.write_str(", can run"),
        }
    }
}
