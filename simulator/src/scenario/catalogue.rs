//! The scenarios that are built in: the files of `scenarios/`.

use super::Scenario;
use super::check::ScenarioError;

/// Name and text of each, small ones first. A test holds the list equal to the directory.
pub const CATALOGUE: [(&str, &str); 14] = [
    ("smoke", include_str!("../../scenarios/smoke.toml")),
    ("all-send-100", include_str!("../../scenarios/all-send-100.toml")),
    ("weak-100", include_str!("../../scenarios/weak-100.toml")),
    ("warm-1000", include_str!("../../scenarios/warm-1000.toml")),
    ("fresh-1000", include_str!("../../scenarios/fresh-1000.toml")),
    ("clustered-1000", include_str!("../../scenarios/clustered-1000.toml")),
    ("clustered-random-1000", include_str!("../../scenarios/clustered-random-1000.toml")),
    ("half-crash-1000", include_str!("../../scenarios/half-crash-1000.toml")),
    ("crash80-1000", include_str!("../../scenarios/crash80-1000.toml")),
    ("clustered-crash80-1000", include_str!("../../scenarios/clustered-crash80-1000.toml")),
    ("away-24h", include_str!("../../scenarios/away-24h.toml")),
    ("partition-24h", include_str!("../../scenarios/partition-24h.toml")),
    ("partition-2x100", include_str!("../../scenarios/partition-2x100.toml")),
    ("big-10000", include_str!("../../scenarios/big-10000.toml")),
];

/// The scenario of a name that is built in, or of a file.
///
/// # Errors
/// There is none, or it is not a scenario.
pub fn load(name: &str) -> Result<Scenario, ScenarioError> {
    if let Some((_, text)) = CATALOGUE.iter().find(|(known, _)| *known == name) {
        return Scenario::parse(text);
    }
    let text = std::fs::read_to_string(name).map_err(|_| ScenarioError::Unknown(name.to_owned()))?;
    Scenario::parse(&text)
}
