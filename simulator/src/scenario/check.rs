//! Which scenarios make sense.

use super::{Action, Scenario, Select};
use crate::protocol::Payload;
use gossip::Bundle;

/// Why a text is no scenario. The message is for whoever writes scenarios.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Neither the name of one that is built in, nor a file that can be read.
    #[error(
        "there is no scenario {0:?}: `mesh-sim list` names those that are built in, or give the path of a TOML file"
    )]
    Unknown(String),
    /// The TOML is broken, lacks a key, or has one that does not exist.
    #[error("the scenario can't be read: {0}")]
    Toml(String),
    /// A value out of its range.
    #[error("{name} is {value}; it must be {allowed}")]
    Value {
        /// The key.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: String,
    },
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with it, in words. Unknown keys are refused.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let scenario: Scenario =
            toml::from_str(text).map_err(|error| ScenarioError::Toml(error.to_string().trim_end().to_owned()))?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first that is out of its range, with what would be right.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let (traffic, links) = (&self.traffic, &self.links);
        within("nodes", self.nodes, 2, 100_000)?;
        within("join.contacts", self.join.contacts, 1, 64)?;
        within("traffic.senders", traffic.senders, 1, self.nodes)?;
        within("traffic.rounds", traffic.rounds, 1, 1_000_000)?;
        within("traffic.warmup_rounds", traffic.warmup_rounds, 0, traffic.rounds - 1)?;
        within("traffic.payload_bytes", traffic.payload_bytes, Payload::MIN_BYTES, gossip::json::MAX_EVENT)?;
        let [low, high] = links.latency_ms;
        within("links.latency_ms, the greater,", high, low.max(1), 60_000)?;
        share("links.reset_share", links.reset_share)?;
        share("links.duplicate_share", links.duplicate_share)?;
        share("traffic.twice_share", traffic.twice_share)?;
        kbit("links.uplink_kbit", links.uplink_kbit)?;
        kbit("links.downlink_kbit", links.downlink_kbit)?;
        if let Some(spikes) = &links.spikes {
            share("links.spikes.share", spikes.share)?;
        }
        if let Some(regions) = &links.regions {
            within("links.regions.count", regions.count, 1, 1_000)?;
            within("links.regions.max_ms", regions.max_ms, high, 60_000)?;
        }
        if let Some(overlay) = &self.overlay {
            within("overlay.degree", overlay.degree, 2, self.nodes as usize - 1)?;
            let ends = overlay.degree * self.nodes as usize;
            require(ends.is_multiple_of(2), "overlay.degree", overlay.degree, "even where the number of nodes is odd")?;
        }
        if let Some(past) = &self.past {
            within("past.hours", past.hours, 1, 168)?;
            within("past.events_per_s", past.events_per_s, 1, 1_000)?;
            within("past.events_per_bundle", past.events_per_bundle, 1, Bundle::MAX_EVENTS as u32)?;
            within("past.origins", past.origins, 1, self.nodes)?;
            past.lacks.iter().try_for_each(|node| within("past.lacks", *node, 0, self.nodes - 1))?;
        }
        self.validate_steps()
    }

    fn validate_steps(&self) -> Result<(), ScenarioError> {
        let times: Vec<u64> = self.steps.iter().map(|step| step.at_ms).collect();
        require(times.is_sorted(), "the steps' at_ms", format!("{times:?}"), "in order")?;
        self.steps.iter().try_for_each(|step| step.action.validate())?;
        self.steps.iter().flat_map(|step| step.action.selects()).try_for_each(|select| self.validate_select(select))
    }

    fn validate_select(&self, select: &Select) -> Result<(), ScenarioError> {
        match select {
            Select::Share(part) => share("a step's share", *part),
            Select::Range([from, to]) => within("a step's range", *to, *from, self.nodes),
            Select::Nodes(nodes) => nodes.iter().try_for_each(|node| within("a step's node", *node, 0, self.nodes - 1)),
            Select::Region(region) => {
                let count = self.links.regions.as_ref().map_or(1, |regions| regions.count);
                within("a step's region", *region, 0, count - 1)
            }
            Select::All | Select::Down | Select::Senders => Ok(()),
        }
    }
}

impl Action {
    fn validate(&self) -> Result<(), ScenarioError> {
        match self {
            Action::Impair(impair) => {
                within("a step's delay_ms", impair.delay_ms, 0, 60_000)?;
                within("a step's jitter_ms", impair.jitter_ms, 0, 60_000)?;
                share("a step's reset_share", impair.reset_share)?;
                share("a step's duplicate_share", impair.duplicate_share)?;
                impair.spikes.as_ref().map_or(Ok(()), |spikes| share("a step's spikes.share", spikes.share))
            }
            Action::Slow(slow) => {
                kbit("a step's uplink_kbit", slow.uplink_kbit)?;
                kbit("a step's downlink_kbit", slow.downlink_kbit)
            }
            _ => Ok(()),
        }
    }

    /// The sets of nodes that it names.
    fn selects(&self) -> Vec<&Select> {
        match self {
            Action::Partition(partition) => std::iter::once(&partition.one).chain(&partition.other).collect(),
            Action::Crash(crash) => vec![&crash.who],
            Action::Restart(restart) => vec![&restart.who],
            Action::Reset(reset) => vec![&reset.who],
            Action::Clog(clog) => vec![&clog.from, &clog.to],
            Action::Impair(impair) => vec![&impair.who],
            Action::Skew(skew) => vec![&skew.who],
            Action::Slow(slow) => vec![&slow.who],
            Action::Heal | Action::Unclog | Action::Restore => Vec::new(),
        }
    }
}

fn within<T: PartialOrd + ToString>(name: &'static str, value: T, low: T, high: T) -> Result<(), ScenarioError> {
    let allowed = format!("{} to {}", low.to_string(), high.to_string());
    require(low <= value && value <= high, name, value, &allowed)
}

fn share(name: &'static str, value: f64) -> Result<(), ScenarioError> {
    within(name, value, 0.0, 1.0)
}

fn kbit(name: &'static str, value: Option<u64>) -> Result<(), ScenarioError> {
    value.map_or(Ok(()), |kbit| within(name, kbit, 1, 100_000_000))
}

fn require(ok: bool, name: &'static str, value: impl ToString, allowed: &str) -> Result<(), ScenarioError> {
    if ok { Ok(()) } else { Err(ScenarioError::Value { name, value: value.to_string(), allowed: allowed.to_owned() }) }
}
