//! The tasks of a world and who of them runs next; knows nothing of stacks.

use seawall_os::sync::hook::{Notify, WaitId, Woken};
use seawall_os::sync::{TaskState, Time, current_scope};

use super::coroutine::Coroutine;
use super::end::{Place, RunEnd, TaskPosition};
use super::picker::{Kind, Picker, Rank};
use super::scheduler::SchedOptions;
use crate::choice::{Actor, Choices, Label, Odds, SiteId, Stream, TaskName, Who, WorldId};
use crate::trace::{Event, Trace};

/// Later than any moment.
const NEVER: Time = Time(u64::MAX);

/// Whether a task can run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    Runnable,
    Waiting { on: WaitId, since: u64, deadline: Option<Time> },
    Sleeping { deadline: Time },
    Ended,
}

impl Ready {
    fn deadline(self) -> Option<Time> {
        match self {
            Ready::Waiting { deadline, .. } => deadline,
            Ready::Sleeping { deadline } => Some(deadline),
            Ready::Runnable | Ready::Ended => None,
        }
    }
}

/// A thread of the store, or one of the driver's.
pub(super) struct Task {
    pub(super) name: TaskName,
    pub(super) who: Who,
    pub(super) ready: Ready,
    pub(super) place: Place,
    /// Why its last wait ended.
    pub(super) woken: Woken,
    /// What the strategy knows of it.
    rank: Rank,
    /// Its thread-locals while it does not run.
    pub(super) saved: TaskState,
    /// Its stack, but while it runs.
    pub(super) coroutine: Option<Coroutine>,
}

/// Whether the running task goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The running task.
    Same,
    /// Another one, or none: the run may have ended.
    Other,
}

/// Everything about a world's tasks.
pub(super) struct State {
    pub(super) world: WorldId,
    pub(super) choices: Choices,
    pub(super) trace: Trace,
    pub(super) options: SchedOptions,
    picker: Picker,
    /// The tasks that live, in order of creation.
    pub(super) tasks: Vec<Task>,
    /// The one that runs, or ran last.
    pub(super) current: usize,
    /// How many can run, the running one included.
    runnable: usize,
    /// The name of whoever acts outside of tasks.
    pub(super) outside: Who,
    pub(super) now: Time,
    /// The earliest deadline of a task that waits or sleeps.
    earliest: Time,
    pub(super) steps: u64,
    waits: u64,
    /// Set once the run is over.
    pub(super) end: Option<RunEnd>,
    /// For what a strategy looks at; kept, as it looks at nearly every point.
    order: Vec<usize>,
    ranks: Vec<Rank>,
}

impl State {
    pub(super) fn new(
        choices: Choices,
        world: WorldId,
        trace: Trace,
        options: SchedOptions,
    ) -> State {
        State {
            world,
            picker: Picker::new(options.strategy, &choices, world),
            choices,
            trace,
            options,
            tasks: Vec::new(),
            current: 0,
            runnable: 0,
            outside: Who::Run,
            now: options.start,
            earliest: NEVER,
            steps: 0,
            waits: 0,
            end: None,
            order: Vec::new(),
            ranks: Vec::new(),
        }
    }

    /// Adds a task that can run.
    pub(super) fn add(&mut self, name: &str, coroutine: Coroutine) {
        let name = self.unused_name(name);
        self.runnable += 1;
        self.tasks.push(Task {
            name,
            who: Who::Task(name),
            ready: Ready::Runnable,
            place: Place::Start,
            woken: Woken::Notified,
            rank: Rank::default(),
            saved: TaskState::default(),
            coroutine: Some(coroutine),
        });
    }

    /// Two live tasks never have one name: labels could not tell them apart.
    fn unused_name(&self, name: &str) -> TaskName {
        let taken = |name: TaskName| self.tasks.iter().any(|task| task.name == name);
        let mut unused = TaskName::new(name);
        let mut count = 2;
        while taken(unused) {
            unused = TaskName::new(&format!("{name}~{count}"));
            count += 1;
        }
        unused
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::new(self.world, self.tasks.get(self.current).map_or(self.outside, |task| task.who))
    }

    /// Counts a step at `place`; time moves. `Err` when that ends the run.
    pub(super) fn step(&mut self, place: Option<Place>) -> Result<(), ()> {
        self.steps += 1;
        self.now = Time(self.now.0.saturating_add(self.options.step_nanos));
        if let (Some(place), Some(task)) = (place, self.tasks.get_mut(self.current)) {
            task.place = place;
        }
        if self.earliest <= self.now {
            self.wake_expired();
        }
        if self.steps > self.options.step_budget {
            self.end = Some(RunEnd::BudgetExceeded(self.positions()));
            return Err(());
        }
        Ok(())
    }

    /// The running task stops being able to run.
    pub(super) fn block(&mut self, ready: Ready) {
        let task = &mut self.tasks[self.current];
        debug_assert!(task.ready == Ready::Runnable, "the running task can run");
        task.ready = ready;
        self.runnable -= 1;
        if let Some(deadline) = ready.deadline() {
            self.earliest = self.earliest.min(deadline);
        }
    }

    pub(super) fn wait_on(&mut self, on: WaitId, deadline: Option<Time>) {
        self.waits += 1;
        self.block(Ready::Waiting { on, since: self.waits, deadline });
    }

    fn wake(&mut self, index: usize, woken: Woken) {
        let task = &mut self.tasks[index];
        task.ready = Ready::Runnable;
        task.woken = woken;
        self.runnable += 1;
    }

    fn wake_expired(&mut self) {
        self.earliest = NEVER;
        for index in 0..self.tasks.len() {
            match self.tasks[index].ready.deadline() {
                Some(deadline) if deadline <= self.now => self.wake(index, Woken::TimedOut),
                Some(deadline) => self.earliest = self.earliest.min(deadline),
                None => {}
            }
        }
    }

    /// Wakes those who wait on `on`: all, or one by choice, the one that waits longest by default.
    pub(super) fn notify(&mut self, on: WaitId, how: Notify) {
        let since = |index: usize| match self.tasks[index].ready {
            Ready::Waiting { on: id, since, .. } if id == on => Some((since, index)),
            _ => None,
        };
        let mut waiting: Vec<(u64, usize)> = (0..self.tasks.len()).filter_map(since).collect();
        if how == Notify::One && waiting.len() > 1 {
            waiting.sort_unstable();
            let one = self.choose_waiter(&waiting);
            waiting = vec![waiting[one]];
        }
        for (_, index) in waiting {
            self.wake(index, Woken::Notified);
        }
    }

    fn choose_waiter(&self, waiting: &[(u64, usize)]) -> usize {
        let site = self.choices.names().point(current_scope(), "notify");
        let label = |index: usize| Label::Task(self.tasks[waiting[index].1].name);
        let (stream, actor) = (Stream::Schedule, self.actor());
        self.choices.choose(stream, actor, site, Odds::Uniform, waiting.len(), &label)
    }

    /// Decides who runs next. `site` names the point where a choice is needed.
    pub(super) fn pick(&mut self, kind: Kind, site: impl Fn(&Choices) -> SiteId) -> Next {
        if self.options.early_in > 0 && self.earliest != NEVER && self.runnable > 0 {
            self.jump_early();
        }
        if self.runnable == 0 && !self.jump() {
            return Next::Other;
        }
        let next = match (self.runnable, kind) {
            (1, Kind::Ordinary | Kind::Yield) => return Next::Same,
            (1, Kind::Forced) => self.candidate(kind, 0),
            _ => self.choose(kind, site(&self.choices)),
        };
        if next == self.current {
            return Next::Same;
        }
        let to = self.tasks[next].name;
        self.trace.event(Event::Switch { site: site(&self.choices), to });
        self.current = next;
        Next::Other
    }

    /// Asks which of several tasks runs next.
    fn choose(&mut self, kind: Kind, site: SiteId) -> usize {
        let odds =
            if self.picker.looks() { self.strategic(kind, site) } else { self.picker.odds(kind) };
        let label = |index| Label::Task(self.tasks[self.candidate(kind, index)].name);
        let index =
            self.choices.choose(Stream::Schedule, self.actor(), site, odds, self.runnable, &label);
        self.candidate(kind, index)
    }

    /// The odds of a strategy that looks at the tasks.
    fn strategic(&mut self, kind: Kind, site: SiteId) -> Odds<'static> {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend((0..self.runnable).map(|index| self.candidate(kind, index)));
        let mut ranks = std::mem::take(&mut self.ranks);
        ranks.clear();
        ranks.extend(order.iter().map(|task| self.tasks[*task].rank));
        let current = order.iter().position(|task| *task == self.current);
        let picked = self.picker.pick(kind, site, current, &mut ranks);
        for (task, rank) in order.iter().zip(&ranks) {
            self.tasks[*task].rank = *rank;
        }
        (self.order, self.ranks) = (order, ranks);
        Odds::Given(picked)
    }

    /// Time may jump to the earliest deadline although others can run: a machine that is slow.
    fn jump_early(&mut self) {
        let label = |index| Label::Word(if index == 0 { "on-time" } else { "late" });
        let odds = Odds::OneIn(self.options.early_in);
        let site = self.choices.names().point(current_scope(), "late");
        if self.choices.choose(Stream::Schedule, self.actor(), site, odds, 2, &label) == 1 {
            self.jump();
        }
    }

    /// Nobody can run: time jumps to the earliest deadline, or the run is a deadlock.
    fn jump(&mut self) -> bool {
        loop {
            if self.earliest == NEVER {
                self.end = Some(RunEnd::Deadlock(self.positions()));
                return false;
            }
            self.now = self.now.max(self.earliest);
            self.wake_expired();
            // The earliest deadline can be one of a task that was woken before it passed.
            if self.runnable > 0 {
                return true;
            }
        }
    }

    /// The task behind label `index` of a choice among those that can run.
    ///
    /// The ring goes from the task after the running one round to the running one itself.
    fn candidate(&self, kind: Kind, index: usize) -> usize {
        let mut left = match (kind, index) {
            (Kind::Ordinary, 0) => return self.current,
            (Kind::Ordinary, index) => index - 1,
            (Kind::Yield | Kind::Forced, index) => index,
        };
        let count = self.tasks.len();
        for at in (self.current + 1..count).chain(0..=self.current.min(count - 1)) {
            if self.tasks[at].ready == Ready::Runnable {
                if left == 0 {
                    return at;
                }
                left -= 1;
            }
        }
        self.current
    }

    /// Forgets the running task, which has ended, after its successor was picked.
    pub(super) fn remove_ended(&mut self, index: usize) -> Task {
        if self.current > index {
            self.current -= 1;
        }
        self.tasks.remove(index)
    }

    fn positions(&self) -> Vec<TaskPosition> {
        let position = |task: &Task| TaskPosition {
            task: task.name,
            actor: Actor::new(self.world, task.who),
            place: task.place,
            waits_on: match task.ready {
                Ready::Waiting { on, .. } => Some(on),
                _ => None,
            },
            deadline: task.ready.deadline(),
        };
        let lives = |task: &&Task| task.ready != Ready::Ended;
        self.tasks.iter().filter(lives).map(position).collect()
    }
}
