//! What the tasks of one world do: open the store, look at all of it, let the clients work, and end.
//!
//! ```text
//! main     open -> probe -> [close, open, probe]  -> spawn clients -> join -> probe -> close or drop
//! client 0 op, op, op ..
//! client 1 op, op ..
//! ```
//!
//! The disk may die at any call. From then on every call fails; nobody is believed any more, clients
//! stop, handles are dropped, and all tasks must come to their end.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use seawall_os::sync;
use seawall_os::vfs::Vfs;
use xxhash_rust::xxh3::Xxh3Default;

use super::desk::{Desk, Settled};
use super::excuse::Since;
use super::media::Media;
use crate::check::{Probe, Promise, Property, Violation, check_recovered};
use crate::choice::Who;
use crate::config::Config;
use crate::disk::{CrashRates, SimFs};
use crate::sched::{OneThread, Scheduler};
use crate::system::{Answer, Closed, Complaint, Opened, Probing, System};
use crate::trace::{Event, Trace, content_hash};

/// How many changes a client sees fail before it only reads.
const FAILURES_MAX: u32 = 2;

/// How often a store is opened until it opens.
const OPENS_MAX: u32 = 4;

/// How often everything is read until all of it could be.
const PROBINGS_MAX: u32 = 4;

/// What happens in a world.
pub(super) struct Plan<S: System> {
    pub(super) promise: Promise<S>,
    pub(super) probing: Probing,
    /// Places on the disk are not what was written.
    pub(super) media: bool,
    /// Close and open again before the clients come, with nothing between.
    pub(super) opens_twice: bool,
    /// What each client does, in order.
    pub(super) clients: Vec<Vec<(u32, S::Op)>>,
    /// Reads at the end see everything. Their ids start here.
    pub(super) probe_ids: Option<u32>,
    /// A durable change to make at the end if calls have failed, and its id.
    pub(super) proof: Option<(u32, S::Op)>,
    pub(super) closes: bool,
}

/// What every task of a world has at hand. All of it belongs to one OS thread.
pub(super) struct Room<S: System> {
    pub(super) config: Arc<Config>,
    pub(super) sim_fs: Arc<SimFs>,
    pub(super) scheduler: Scheduler,
    pub(super) trace: Trace,
    pub(super) desk: Desk<S>,
    pub(super) crashes_working: CrashRates,
    /// The disk without and with its damage, where media decay.
    pub(super) media: Option<Media>,
    /// Whether names and bytes of long ago may turn up on this disk.
    pub(super) sync_ever_failed: bool,
}

impl<S: System> Room<S> {
    /// The life of the world, from the task `main`.
    pub(super) fn live(self: &Rc<Room<S>>, plan: Plan<S>) {
        let Some(store) = self.open_first(&plan) else {
            return;
        };
        let Some(store) = self.open_again(store, &plan) else {
            return;
        };
        self.sim_fs.set_crash_rates(self.crashes_working);
        if self.media.is_some() {
            self.sim_fs.let_decay();
        }
        self.work(&store, plan.clients);
        if let Some(first_id) = plan.probe_ids {
            self.probe_live(&store, first_id);
        }
        if let Some((id, change)) = plan.proof {
            self.prove(&store, id, change);
        }
        self.end(store, plan.closes);
    }

    /// Whether the world's disk has died, or something was found wrong.
    fn is_over(&self) -> bool {
        self.sim_fs.is_dead() || self.desk.is_over()
    }

    /// Opens what the image left and judges it.
    fn open_first(&self, plan: &Plan<S>) -> Option<S::Store> {
        let opened = self.open_at_last()?;
        self.desk.note(|pages| pages.opened = Some(opened.position));
        // What was not read cannot be judged, and nothing is built on it.
        let probes = self.probe_at_last(&opened.store, plan.probing)?;
        let owed = self.owed(plan.promise.clone(), &opened);
        let mut judged =
            owed.iter().map(|promise| check_recovered(promise, opened.position, &probes));
        let first = judged.next().expect("something is owed, if only nothing");
        match first.or_else(|violation| judged.find_map(Result::ok).ok_or(violation)) {
            Ok(model) => {
                let settled = Settled { position: opened.position, model };
                self.desk.note(|pages| pages.settled = Some(settled));
            }
            Err(violation) => self.desk.violated(violation.with("recovery", opened.report)),
        }
        self.audit(&opened.store);
        if self.is_over() { None } else { Some(opened.store) }
    }

    /// Closes and opens again: O10, the same state.
    fn open_again(&self, store: S::Store, plan: &Plan<S>) -> Option<S::Store> {
        if !plan.opens_twice {
            return Some(store);
        }
        self.end(store, plan.closes);
        let opened = if self.is_over() { None } else { self.open() }?;
        let probes = self.probe_at_last(&opened.store, Probing::All)?;
        let (position, model) = self.desk.note(|pages| {
            pages.closed_cleanly = false;
            let settled = pages.settled.as_ref().expect("the first open was judged");
            (settled.position, Arc::clone(&settled.model))
        });
        let promise = Promise::same(position, model);
        if let Err(mut violation) = check_recovered(&promise, opened.position, &probes) {
            violation.property = Property::Settled;
            self.desk.violated(violation.with("recovery", opened.report));
        }
        self.audit(&opened.store);
        if self.is_over() { None } else { Some(opened.store) }
    }

    /// Opens; where a fault made that fail, tries again, as a user would.
    fn open_at_last(&self) -> Option<Opened<S::Store>> {
        (0..OPENS_MAX).find_map(|_| if self.is_over() { None } else { self.open() })
    }

    fn open(&self) -> Option<Opened<S::Store>> {
        self.scheduler.set_who(Who::Open);
        let vfs: Arc<dyn Vfs> = Arc::clone(&self.sim_fs) as Arc<dyn Vfs>;
        let since = self.now();
        let opened = S::open(vfs, &self.config);
        if self.sim_fs.is_dead() {
            return None;
        }
        match opened {
            Ok(opened) => {
                let content = content_hash(opened.report.as_bytes());
                self.trace.event(Event::Recovery { content, ok: true });
                self.scheduler.set_who(Who::Run);
                Some(opened)
            }
            Err(why) => {
                let content = content_hash(why.as_bytes());
                self.trace.event(Event::Recovery { content, ok: false });
                match &self.media {
                    Some(_) => self.judge_damage(&why),
                    None if self.excuses_open(since) => {}
                    None => self.desk.wrong(Property::Opens, "got", why),
                }
                self.desk.note(|pages| pages.opens_failed += 1);
                None
            }
        }
    }

    /// Reads everything; where a fault made some of it fail, tries again.
    fn probe_at_last(&self, store: &S::Store, probing: Probing) -> Option<Vec<Probe<S>>> {
        (0..PROBINGS_MAX).find_map(|_| {
            self.desk.note(|pages| pages.probes_failed = 0);
            let probes = if self.is_over() { None } else { Some(self.probe(store, probing)) };
            // Where there is damage some reads fail, and go on failing; the others count.
            let all = self.media.is_some() || self.desk.note(|pages| pages.probes_failed == 0);
            let whole = !self.is_over() && all;
            probes.filter(|_| whole)
        })
    }

    /// Reads everything, on a store that nobody else uses.
    fn probe(&self, store: &S::Store, probing: Probing) -> Vec<Probe<S>> {
        let ask = |op: S::Op| {
            let since = self.now();
            let answer = S::apply(store, u32::MAX, &op);
            self.judge_failure(store, &op, &answer, since);
            Probe { op, answer }
        };
        S::probes(&self.config, probing).into_iter().map(ask).collect()
    }

    /// Reads everything as clients do: judged when the world has ended.
    fn probe_live(&self, store: &S::Store, first_id: u32) {
        for (id, op) in (first_id..).zip(S::probes(&self.config, Probing::All)) {
            if self.is_over() {
                return;
            }
            self.one(store, id, op);
        }
        if !self.is_over() {
            self.scheduler.set_who(Who::Run);
            self.audit(store);
        }
    }

    /// A failure needs a reason.
    fn judge_failure(&self, store: &S::Store, op: &S::Op, answer: &Answer<S::Seen>, since: Since) {
        match answer {
            Answer::Failed(why) | Answer::Wrong(Complaint::Wrong(Property::Damage, why))
                if self.media.is_some() =>
            {
                self.judge_damage(why);
            }
            Answer::Failed(_) if self.excuses(store, op, since) => {
                self.desk.note(|pages| pages.probes_failed += 1);
            }
            Answer::Failed(why) => {
                let text = format!("{op} failed although no call did that it needs: {why}");
                self.desk.wrong(Property::Progress, "got", text);
            }
            Answer::Wrong(complaint) => self.complain(store, complaint, since),
            _ => {}
        }
    }

    fn audit(&self, store: &S::Store) {
        let vfs: Arc<dyn Vfs> = Arc::clone(&self.sim_fs) as Arc<dyn Vfs>;
        let since = self.now();
        if let Err(complaint) = S::audit(store, &vfs) {
            self.complain(store, &complaint, since);
        }
    }

    fn complain(&self, store: &S::Store, complaint: &Complaint, since: Since) {
        match complaint {
            Complaint::Wrong(Property::Files, _)
                if self.excuses_files() || self.media.is_some() => {}
            Complaint::Wrong(Property::Damage, why) | Complaint::Failed(why)
                if self.media.is_some() =>
            {
                self.judge_damage(why);
            }
            Complaint::Wrong(Property::Damage, why) if self.excuses_damage(why, since) => {}
            Complaint::Wrong(property, text) if !self.sim_fs.is_dead() => {
                self.desk.wrong(*property, "got", text.clone());
            }
            Complaint::Failed(why) if !self.excuses_upkeep(store, since) => {
                let text = format!(
                    "a check of the store failed although no call did that it needs: {why}"
                );
                self.desk.wrong(Property::Progress, "got", text);
            }
            _ => {}
        }
    }

    /// Lets the clients work, each a task of its own, and waits for them.
    fn work(self: &Rc<Room<S>>, store: &S::Store, clients: Vec<Vec<(u32, S::Op)>>) {
        let start = |(number, operations): (usize, Vec<(u32, S::Op)>)| {
            let (room, store) = (OneThread::new(Rc::clone(self)), store.clone());
            // What a task holds must be `Send`; it never leaves this OS thread.
            let operations = OneThread::new(operations);
            sync::spawn(&format!("client-{number}"), move || {
                room.client(&store, operations.into_inner());
            })
        };
        let clients: Vec<_> = clients
            .into_iter()
            .enumerate()
            .filter(|(_, operations)| !operations.is_empty())
            .map(start)
            .collect();
        for client in clients {
            client.join().expect("a panic ends the whole run");
        }
        self.scheduler.set_who(Who::Run);
    }

    fn client(&self, store: &S::Store, operations: Vec<(u32, S::Op)>) {
        let mut failures = 0;
        for (id, op) in operations {
            if self.is_over() {
                return;
            }
            if failures >= FAILURES_MAX && S::width(&op) > 0 {
                continue;
            }
            failures += u32::from(self.one(store, id, op));
        }
    }

    /// After an error a store refuses changes, or what it acknowledges is durable: O7. One more durable
    /// change is made, at which no call fails any more but those that a disk without journal refuses, and
    /// then the power goes for whoever looks.
    fn prove(&self, store: &S::Store, id: u32, change: S::Op) {
        if self.is_over() || !self.has_faults() {
            return;
        }
        self.sim_fs.calm_down();
        let since = self.now();
        let failed = self.one(store, id, change);
        if self.is_over() {
            return;
        }
        self.scheduler.set_who(Who::Run);
        if failed && !S::has_stopped(store) && !self.excuses_no_file(since) {
            let text = "a change failed although no call did, and the store does not say that it refuses them";
            self.desk.wrong(Property::AfterError, "got", text);
        }
        self.sim_fs.fork_power();
    }

    /// Does one operation and writes it down. Returns whether it was a change that failed.
    fn one(&self, store: &S::Store, id: u32, op: S::Op) -> bool {
        self.scheduler.set_who(Who::Op(id));
        let ticket = self.desk.issue(id, op.clone());
        let since = self.now();
        let answer = S::apply(store, id, &op);
        if self.sim_fs.is_dead() {
            return false;
        }
        self.judge_failure(store, &op, &answer, since);
        self.trace.event(Event::Answer {
            operation: id,
            content: answer_hash(&answer),
            ok: !matches!(answer, Answer::Failed(_) | Answer::Wrong(_)),
        });
        let failed = matches!(answer, Answer::Failed(_) | Answer::Wrong(_)) && S::width(&op) > 0;
        self.desk.returned(ticket, answer);
        failed
    }

    fn end(&self, store: S::Store, closes: bool) {
        if !closes || self.is_over() {
            return;
        }
        self.scheduler.set_who(Who::Run);
        let since = self.now();
        let closed = S::close(store);
        if self.sim_fs.is_dead() {
            return;
        }
        match closed {
            Ok(closed) => {
                self.desk.note(|pages| pages.closed_cleanly = closed == Closed::Cleanly);
            }
            Err(why) if self.media.is_some() => {
                self.judge_damage(&why);
            }
            Err(why) if !self.excuses_close(since) => {
                let text = format!("close failed although no call did: {why}");
                self.desk.violated(Violation::new(Property::Progress, "got", text));
            }
            Err(_) => {}
        }
    }
}

/// The hash of what an operation returned, for the fingerprint.
fn answer_hash<Seen: Debug + Hash>(answer: &Answer<Seen>) -> u64 {
    match answer {
        Answer::Committed { at, durable } => at << 1 | u64::from(*durable),
        Answer::Saw { at, seen } | Answer::SawEarlier { at, seen } => {
            let mut hasher = Xxh3Default::new();
            at.hash(&mut hasher);
            seen.hash(&mut hasher);
            hasher.finish()
        }
        other => content_hash(format!("{other:?}").as_bytes()),
    }
}
