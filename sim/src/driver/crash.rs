//! What a crash was, as a failure tells it.

use crate::choice::{Choices, WorldId};
use crate::disk::{CrashKind, Image};
use crate::trace::Loss;

/// How many things that did not survive are told.
const FATES_MAX: usize = 6;

/// A crash without the disk it left. Text is made only when somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Crash {
    names: crate::choice::Names,
    what: What,
    fate: Vec<Loss>,
}

#[derive(Clone, Debug)]
enum What {
    At(CrashKind, String),
    After(WorldId, u64),
}

impl Crash {
    /// The crash that an image is of.
    pub(super) fn of(choices: &Choices, image: &Image) -> Crash {
        let names = choices.names().clone();
        let what = What::At(image.kind, image.at(&names));
        Crash { names, what, fate: image.fate.clone() }
    }

    /// A power loss after a world had ended.
    pub(super) fn between(choices: &Choices, world: WorldId, event: u64, fate: &[Loss]) -> Crash {
        Crash {
            names: choices.names().clone(),
            what: What::After(world, event),
            fate: fate.to_vec(),
        }
    }

    /// `power loss at commit/wal/write_at 000003.wal (#41, during): 000003.wal[512..1024) zeros`
    pub(super) fn text(&self) -> String {
        let mut text = match &self.what {
            What::At(CrashKind::Power, call) => format!("power loss at {call}"),
            What::At(CrashKind::Kill, call) => format!("kill at {call}"),
            What::At(CrashKind::KillThenPower, call) => format!("kill, then power loss, at {call}"),
            What::After(world, event) => format!("power loss after {world} had ended (#{event})"),
        };
        for (index, loss) in self.fate.iter().take(FATES_MAX).enumerate() {
            let comma = if index == 0 { ": " } else { ", " };
            text.push_str(&format!("{comma}{}", loss.text(&self.names)));
        }
        if self.fate.len() > FATES_MAX {
            text.push_str(&format!(" and {} more", self.fate.len() - FATES_MAX));
        }
        text
    }
}
