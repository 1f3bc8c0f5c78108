//! A crash in a world: which disk it leaves, and what it is called.

use super::check;
use super::crash::{self, CrashKind, Image, Plan};
use super::effect::Effect;
use super::errno::Errno;
use super::odds::ByChoices;
use super::state::Disk;
use super::world::{Call, InWrite, State, World};
use crate::choice::{Actor, Stream, Who, WorldId};
use crate::trace::{Event, Loss};

impl World {
    /// Cuts the image of a crash. Errs if the crash ends the run: the disk is dead from now on.
    pub(super) fn crash(
        &self,
        call: &Call,
        plan: &Plan,
        write: Option<&InWrite<'_>>,
    ) -> Result<(), Errno> {
        let mark = self.mark();
        let state = &mut *self.state();
        let world = if plan.ends { self.id } else { self.id.fork(state.images_cut) };
        let mut image = self.cut(state, call, plan, world, write, mark);
        crash::count(&mut state.counts, plan);
        let lost = image.fate.len() as u64;
        let event = Event::Crash { site: call.id, file: call.file, kind: plan.word, lost };
        image.event = self.trace.event(event);
        self.trace.lost(&image.fate);
        if plan.ends {
            state.ended = Some(image);
            self.die();
            return Err(self.dead_call(call));
        }
        state.images_cut += 1;
        state.images.push(image);
        Ok(())
    }

    /// The image that a crash leaves.
    fn cut(
        &self,
        state: &mut State,
        call: &Call,
        plan: &Plan,
        world: WorldId,
        write: Option<&InWrite<'_>>,
        mark: u64,
    ) -> Image {
        let actor = Actor::new(world, Who::Crash);
        let mut whole = state.disk.clone();
        let part = write.and_then(|write| self.cut_write(&mut whole, call, plan, actor, write));
        let mut before = whole.clone();
        let mut fate = Vec::new();
        if plan.kind != CrashKind::Power {
            before = before.after_kill(&mut |unit| {
                let one_in = self.crashes.get().revert_one_in;
                let reverted = ByChoices::reverts(&self.choices, actor, unit, one_in);
                fate.extend(reverted);
                reverted.is_some()
            });
            state.counts.reverted += fate.len() as u64;
        }
        let disk = match plan.kind {
            CrashKind::Kill => before,
            _ => self.lose_power(state, &before, actor, &mut fate),
        };
        let name = self.choices.names().text(call.file);
        let effect = Effect::of(call.site.operation, &name, &whole, &disk, !fate.is_empty());
        Image {
            call: call.site,
            effect: part.filter(|_| effect != Effect::Lost).unwrap_or(effect),
            sync_failed: state.disk.sync_failed,
            disk,
            kind: plan.kind,
            moment: plan.moment,
            world,
            site: call.id,
            file: call.file,
            call_number: call.number,
            event: 0,
            mark,
            closely: false,
            fate,
        }
    }

    /// Puts what has been made of a write onto the disk: all of it is under way when the power goes,
    /// a prefix is done when the process is killed. Tells whether that is less than all.
    fn cut_write(
        &self,
        disk: &mut Disk,
        call: &Call,
        plan: &Plan,
        actor: Actor,
        write: &InWrite<'_>,
    ) -> Option<Effect> {
        let all = write.bytes.len() as u64;
        let done = if plan.kind == CrashKind::Power {
            all
        } else {
            let text = self.choices.names().text(call.id);
            let site = self.choices.site(format_args!("{text}/done"));
            self.choices.number(Stream::Survival, actor, site, 0..=all)
        };
        // Where there is no room the write ends there too.
        let _ = disk.write(write.file, write.offset, &write.bytes[..done as usize]);
        Effect::of_part(done, all)
    }

    fn lose_power(
        &self,
        state: &mut State,
        before: &Disk,
        actor: Actor,
        fate: &mut Vec<Loss>,
    ) -> Disk {
        let mut decide = ByChoices::new(&self.choices, actor, before);
        let image = before.after_power_loss(&mut decide);
        decide.count(&mut state.counts);
        fate.append(&mut decide.fate);
        check::contains_what_was_durable(before, &image);
        let power_losses = state.counts.power_losses + state.counts.kills_then_power;
        if power_losses.is_multiple_of(u64::from(self.crashes.get().check_one_in.max(1))) {
            check::extremes_are_right(before);
            before.check_space();
        }
        image
    }
}
