//! What the API answers to events that are posted, and to what is wrong.

use serde::{Deserialize, Serialize};

/// The answer to `POST /federated/events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// How many events were accepted.
    pub accepted: usize,
    /// Their ids, in the order of the request.
    pub event_ids: Vec<String>,
}

/// An error as RFC 9457 has it, sent as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// A name for the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong here, and what would be right.
    pub detail: String,
    /// Which entries of a list were wrong, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<EntryError>,
}

/// One wrong entry of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryError {
    /// Its place in the list, from 0.
    pub index: usize,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}
