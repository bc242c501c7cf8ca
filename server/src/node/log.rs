//! How many lines of each kind strangers can write into this node's log.

use crate::transport::LogGate;

/// Lines about connections at once: those of a node's peers at its start, and of a few that come and go. A guess, as all here.
const CONNECTIONS: u32 = 32;
/// Bans are rare, and each is worth a line, but whoever has many networks can have many.
const BANS: u32 = 64;
/// What is wrong with single keys and names.
const FAULTS: u32 = 8;
/// Lines about frames that were refused.
pub(crate) const LINES_OF_REFUSALS: u32 = 8;

/// One gate for each kind of line.
pub(super) struct Gates {
    pub(super) connected: LogGate,
    pub(super) gone: LogGate,
    pub(super) disconnected: LogGate,
    pub(super) slow: LogGate,
    pub(super) banned: LogGate,
    pub(super) cheats: LogGate,
    pub(super) conflicts: LogGate,
    pub(super) late: LogGate,
    pub(super) rotations: LogGate,
    pub(super) profiles: LogGate,
}

impl Default for Gates {
    fn default() -> Gates {
        let [connected, gone, disconnected, slow] = [(); 4].map(|()| LogGate::new(CONNECTIONS));
        let [cheats, conflicts, late] = [(); 3].map(|()| LogGate::new(FAULTS));
        let (banned, rotations, profiles) = (LogGate::new(BANS), LogGate::default(), LogGate::default());
        Gates { connected, gone, disconnected, slow, banned, cheats, conflicts, late, rotations, profiles }
    }
}
