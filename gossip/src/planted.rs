//! Faults that are planted on purpose: the simulator must find each of them. It is the test of the tests.
//!
//! Without the feature `planted` there is no way to plant one, and each of these questions is answered by a constant. With
//! it, a release does not compile.

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("the feature `planted` is for tests: a release must not contain it");

/// A fault of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An event that was seen counts as new.
    DedupeDropped,
    /// Nobody is woken to announce, or to ask for what is missing.
    LostWakeUp,
    /// A parent is swapped with itself.
    SwapWithItself,
    /// A wait grows without a check of what it can be.
    UncheckedAdd,
    /// Who pushes what was here is not told so.
    PruneForgotten,
    /// A hop leaves the ttl as it was.
    TtlNotLowered,
    /// Peers are told a digest from before.
    StaleDigest,
    /// The end of a connection is not told to the trees.
    EndForgotten,
    /// A graft asks for the bundle after the one that is missing.
    WrongGraft,
    /// A second connection to a peer is kept.
    SecondConnectionKept,
    /// The last slot of a range that is compared is left out.
    RangeOffByOne,
    /// Where two sides have the same numbers, their contents are not compared.
    ContentsNotCompared,
    /// Contents that differ are asked for without a look at what is here.
    OwnStoreNotAsked,
}

/// The fault that is planted in a node, if one is. Nothing at all without the feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    #[cfg(feature = "planted")]
    fault: Option<Fault>,
}

impl Planted {
    /// This fault is planted.
    #[cfg(feature = "planted")]
    pub const fn fault(fault: Fault) -> Planted {
        Planted { fault: Some(fault) }
    }

    /// Whether this fault is planted here.
    #[cfg(feature = "planted")]
    pub(crate) fn is(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    #[cfg(not(feature = "planted"))]
    pub(crate) const fn is(self, _fault: Fault) -> bool {
        false
    }
}
