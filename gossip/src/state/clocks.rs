//! What the clock shows, what others say of it, and what this node can send: told together, in a Pulse.

use super::State;
use crate::Time;
use crate::clocks::ClockOffset;
use crate::message::Pulse;
use std::time::Duration;

impl State {
    /// How far this node's clock is off, as its peers see it; good to half of a round trip. `None`: no peer has told what
    /// its own shows.
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        self.clocks.offset()
    }

    /// What this node's bundles are numbered by, in microseconds since the epoch: its wall clock; where two peers or more tell that it
    /// is over 30 s ahead, theirs. No bundle has a number below what this was when an event of it came.
    pub fn clock(&self, now: Time) -> u64 {
        self.bundler.clock(now)
    }

    /// What the wall clock shows.
    pub(super) fn wall(&self, now: Time) -> u64 {
        self.me.epoch_micros.saturating_add(now.as_micros())
    }

    /// The wall clock shows this now.
    pub(super) fn on_clock(&mut self, now: Time, micros: u64) {
        let (before, epoch) = (self.wall(now), micros.saturating_sub(now.as_micros()));
        if epoch == self.me.epoch_micros {
            return;
        }
        self.me.epoch_micros = epoch;
        self.bundler.on_clock(epoch);
        self.reconcile.on_clock(now, epoch);
        let by = i128::from(self.wall(now)) - i128::from(before);
        self.clocks.on_set(now, i64::try_from(by).unwrap_or_default());
        self.bundler.on_too_far_ahead(self.clocks.too_far_ahead());
    }

    /// Forgets what has grown old. Gives from when on bundles are to be kept, in microseconds since the epoch: the store may drop
    /// what is older, and nothing else for its age, whatever its clock says.
    pub fn retain_from(&mut self, now: Time) -> u64 {
        self.reconcile.forget_old(now, self.clocks.offset());
        self.reconcile.horizon()
    }

    /// How we are.
    pub(super) fn pulse(&mut self, now: Time) -> Pulse {
        Pulse { clock: self.wall(now), kbit: self.capacity.tell() }
    }

    /// So much that had waited was sent in so long.
    pub(super) fn on_drained(&mut self, now: Time, bytes: u64, took: Duration) {
        self.capacity.on_drained(bytes, took);
        if self.capacity.has_changed() {
            self.clocks.hurry(now);
        }
        self.adapt();
    }

    /// A weak node leaves passing on to others.
    pub(super) fn adapt(&mut self) {
        let hold = if self.config.adaptive_fanout { self.capacity.hold() } else { Duration::ZERO };
        self.trees.hold_back(hold);
    }
}
