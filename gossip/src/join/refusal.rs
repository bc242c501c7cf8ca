//! Why a side may not join: each reason with a word, a sentence, and a number that both sides understand.

/// Why a side may not join. The sentence is for whoever runs either of the two nodes: it goes into both logs, and fits into the
/// frame that closes a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    /// Something else was said first.
    #[error(
        "a side that must prove itself said something else first: an older version, or a script that does not join"
    )]
    NotJoining,
    /// It joins in another version.
    #[error("the two sides join by different versions of the handshake: update the older one")]
    Version,
    /// It belongs to another mesh.
    #[error("the two sides belong to meshes of different names (FEDERATED_MESH)")]
    OtherMesh,
    /// One side has a secret, the other none.
    #[error("only one of the two sides has a secret of the mesh (FEDERATED_SECRET)")]
    OneSecret,
    /// Both have a secret, and not the same.
    #[error("the two sides have different secrets of the mesh (FEDERATED_SECRET)")]
    WrongSecret,
    /// The proof answers a nonce that nobody here has drawn.
    #[error("the proof answers another challenge than the one of this connection: it was recorded elsewhere")]
    Replayed,
    /// What came was said from here.
    #[error("what was said came back: somebody returns one side's words in place of its own")]
    Reflected,
    /// Its key is not on the list.
    #[error("its key is not on the list of keys that may join (FEDERATED_ALLOW)")]
    NotAllowed,
    /// It does not hold the key that it names.
    #[error("its signature does not hold on this connection: not its key, or somebody stands in between")]
    Unproven,
    /// No frame of a handshake.
    #[error("a frame of the handshake that joins has the wrong shape, or comes at the wrong time")]
    Shape,
    /// Too much.
    #[error("more than 4 KiB were sent before joining")]
    TooLarge,
    /// Too long.
    #[error("joining took longer than 5 s")]
    Late,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 12] = [
        Refusal::NotJoining,
        Refusal::Version,
        Refusal::OtherMesh,
        Refusal::OneSecret,
        Refusal::WrongSecret,
        Refusal::Replayed,
        Refusal::Reflected,
        Refusal::NotAllowed,
        Refusal::Unproven,
        Refusal::Shape,
        Refusal::TooLarge,
        Refusal::Late,
    ];

    /// The number by which a WebSocket is closed for it, of those for private use (RFC 6455 §7.4.2).
    pub fn code(self) -> u16 {
        match self {
            Refusal::NotJoining => 4_001,
            Refusal::Version => 4_002,
            Refusal::OtherMesh => 4_003,
            Refusal::OneSecret => 4_004,
            Refusal::WrongSecret => 4_005,
            Refusal::Replayed => 4_006,
            Refusal::Reflected => 4_007,
            Refusal::NotAllowed => 4_008,
            Refusal::Unproven => 4_009,
            Refusal::Shape => 4_010,
            Refusal::TooLarge => 4_011,
            Refusal::Late => 4_012,
        }
    }

    /// The refusal of this number.
    pub fn of_code(code: u16) -> Option<Refusal> {
        Refusal::ALL.into_iter().find(|refusal| refusal.code() == code)
    }

    /// A stable word.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::NotJoining => "not_joining",
            Refusal::Version => "version",
            Refusal::OtherMesh => "other_mesh",
            Refusal::OneSecret => "one_secret",
            Refusal::WrongSecret => "wrong_secret",
            Refusal::Replayed => "replayed",
            Refusal::Reflected => "reflected",
            Refusal::NotAllowed => "not_allowed",
            Refusal::Unproven => "unproven",
            Refusal::Shape => "shape",
            Refusal::TooLarge => "too_large",
            Refusal::Late => "late",
        }
    }
}
