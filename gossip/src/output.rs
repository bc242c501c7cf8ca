//! What a node does.

use crate::{Address, Ask, Ban, Event, Hashed, Mark, Message, PeerId, Profile, Proof, Rotation};
use std::fmt;
use std::sync::Arc;

/// One deed for the driver, in the order in which [`State::drain`](crate::State::drain) gives them.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send a message. It may be lost with its connection; nobody waits for it.
    Send {
        /// To whom: encoded once, however many.
        to: Vec<PeerId>,
        /// What.
        message: Message,
    },
    /// Dial. Answered by [`Input::PeerUp`](crate::Input::PeerUp) or [`Input::DialFailed`](crate::Input::DialFailed).
    Connect {
        /// Where.
        address: Address,
    },
    /// Close a connection. For the state machine it is gone already; a later
    /// [`Input::PeerDown`](crate::Input::PeerDown) is harmless.
    Disconnect {
        /// Which.
        peer: PeerId,
        /// Why: goes into the log and the close frame.
        because: Because,
    },
    /// A new event, for the application.
    Deliver {
        /// Who brought it.
        from: PeerId,
        /// The event.
        event: Event,
    },
    /// A new bundle for the store, this node's own ones included. Its events come as [`Output::Deliver`] if they are new
    /// as well, own ones never.
    Keep(Hashed),
    /// Somebody is banned, for the log. Its connections are closed by what follows.
    Banned(Ban),
    /// A question to the store. Answered by [`Input::Answer`](crate::Input::Answer).
    Ask(Ask),
    /// An origin has signed two bundles under one number: the proof is to be kept, longer than its bundles.
    Forked {
        /// The two bundles.
        proof: Box<Proof>,
        /// What is shown of it.
        mark: Mark,
    },
    /// A node has changed its key: to be kept, and followed.
    Rotated(Rotation),
    /// An origin has declared that it signs twice: to be kept.
    Declared(Arc<Profile>),
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It leads to this very node.
    Myself,
    /// There is another connection between the two nodes, and one is enough.
    SecondConnection,
    /// It is another node with this very node's key.
    Clone,
    /// The peer belongs to a mesh of another name.
    OtherMesh,
    /// As many peers as allowed are connected.
    Full,
    /// A second hello.
    SecondHello,
    /// It has broken so many rules that it is not spoken with for a while.
    Banned,
    /// What it was for is done, or comes to nothing: it is no link.
    Passing,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Because::Myself => "this address leads back to the node that dialled it",
            Because::SecondConnection => "the two nodes have another connection, and one is enough",
            Because::Clone => {
                "both nodes have the same key: one data folder is a copy of the other; give one a new key"
            }
            Because::OtherMesh => "the peer belongs to a mesh of another name",
            Because::Full => "this node has as many peers as it takes; try again later, or another node",
            Because::Passing => "there is nothing more to say on this connection: it is no link",
            Because::Banned => "the peer has broken too many rules and is not spoken with for a while",
            Because::SecondHello => "a second hello on one connection",
        })
    }
}
