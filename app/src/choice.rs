//! What the reader has chosen to see, and how the address says it.
//!
//! The address is the only place where a choice lives: a link restores what was seen, the browser's back button takes a choice
//! back, and choices work without JavaScript, because each of them is a link.

use crate::map::Order;
use crate::number;
use crate::part::{IntoPart, text};
use crate::place::{MAP, Place};
use beauty::{MAX_COLUMNS, Resolution};
use leptos::prelude::*;
use std::fmt::Write;

/// No name is longer, so neither is a text that finds one: 64 characters, in bytes.
const LONGEST: usize = 256;

/// What a cell of the heatmap shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The mean score.
    #[default]
    Average,
    /// How far scores lie apart.
    Chaos,
    /// Which share of the events has which score: rows are scores, and only the mesh is shown.
    Distribution,
    /// How much the mean differs from what is usual for its row.
    Change,
}

impl Kind {
    /// All kinds, in the order in which they are offered.
    pub(crate) const ALL: [Self; 4] = [Self::Average, Self::Chaos, Self::Distribution, Self::Change];

    /// Its name in the address.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Chaos => "chaos",
            Self::Distribution => "distribution",
            Self::Change => "change",
        }
    }
}

/// Which colours the heatmap has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Palette {
    /// Reads the same to colour-blind and other eyes.
    #[default]
    Cividis,
    /// More hues, still even steps.
    Viridis,
    /// Lightness alone.
    Mono,
}

impl Palette {
    /// All palettes, in the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Cividis, Self::Viridis, Self::Mono];

    /// Its name in the address.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cividis => "cividis",
            Self::Viridis => "viridis",
            Self::Mono => "mono",
        }
    }
}

/// A cell that stays told: that of a moment, in the row of the node that is looked at more closely, or of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    /// Where its bucket began when it was pinned, in milliseconds since the epoch.
    pub(crate) start: u64,
    /// Of the distribution the row, whose rows are no nodes.
    pub(crate) row: u64,
}

/// Everything that the reader can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// How wide a column is.
    pub(crate) resolution: Resolution,
    /// What a cell shows.
    pub(crate) kind: Kind,
    /// In which colours.
    pub(crate) palette: Palette,
    /// The node that is looked at more closely.
    pub(crate) node: Option<String>,
    /// The moment that is looked at, in milliseconds since the epoch; none is now.
    pub(crate) at: Option<u64>,
    /// The score that a line marks, in hundredths.
    pub(crate) line: Option<u8>,
    /// What the names of the nodes on the heatmap contain, as it was written.
    pub(crate) find: String,
    /// How many of the nodes that are found lie above the first that is shown.
    pub(crate) above: u64,
    /// The cell that stays told.
    pub(crate) pin: Option<Pin>,
    /// By what the peers are sorted.
    pub(crate) order: Order,
    /// Whether the page hangs on a wall, without controls.
    pub(crate) wall: bool,
    /// Whether the table behind the heatmap is open from the beginning.
    pub(crate) table: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            resolution: Resolution::TenSeconds,
            kind: Kind::default(),
            palette: Palette::default(),
            node: None,
            at: None,
            line: None,
            find: String::new(),
            above: 0,
            pin: None,
            order: Order::default(),
            wall: false,
            table: false,
        }
    }
}

impl Choice {
    /// Reads the parts of a query by their names. What makes no sense is as if it weren't there.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let kind = get("kind").and_then(|name| Kind::ALL.into_iter().find(|kind| kind.name() == name));
        let palette = get("colours").and_then(|name| Palette::ALL.into_iter().find(|palette| palette.name() == name));
        Self {
            resolution: get("res").and_then(|name| name.parse().ok()).unwrap_or(Resolution::TenSeconds),
            kind: kind.unwrap_or_default(),
            palette: palette.unwrap_or_default(),
            node: get("node").filter(|node| !node.is_empty() && node.len() <= LONGEST),
            at: get("t").and_then(|at| at.parse().ok()),
            line: get("line")
                .and_then(|line| line.parse().ok())
                .or_else(|| hundredths(&get("below")?))
                .filter(|line| *line <= 100),
            find: get("find").filter(|find| find.len() <= LONGEST).unwrap_or_default(),
            above: get("above").and_then(|above| above.parse().ok()).unwrap_or_default(),
            pin: get("pin").and_then(|pin| Pin::read(&pin)),
            order: get("sort").and_then(|order| Order::read(&order)).unwrap_or_default(),
            wall: get("wall").is_some_and(|wall| wall == "1"),
            table: get("table").is_some_and(|table| table == "1"),
        }
    }

    /// What the address says of this, by name; what is the default is not said.
    pub(crate) fn said(&self) -> Vec<(&'static str, String)> {
        let mut said = Vec::new();
        if self.resolution != Resolution::TenSeconds {
            said.push(("res", self.resolution.to_string()));
        }
        if self.kind != Kind::default() {
            said.push(("kind", self.kind.name().to_owned()));
        }
        if self.palette != Palette::default() {
            said.push(("colours", self.palette.name().to_owned()));
        }
        if let Some(node) = &self.node {
            said.push(("node", node.clone()));
        }
        if let Some(at) = self.at {
            said.push(("t", at.to_string()));
        }
        if let Some(line) = self.line {
            said.push(("line", line.to_string()));
        }
        if !self.find.is_empty() {
            said.push(("find", self.find.clone()));
        }
        if self.above > 0 {
            said.push(("above", self.above.to_string()));
        }
        if let Some(pin) = self.pin {
            said.push(("pin", pin.said()));
        }
        if self.order != Order::default() {
            said.push(("sort", self.order.said()));
        }
        if self.wall {
            said.push(("wall", "1".to_owned()));
        }
        if self.table {
            said.push(("table", "1".to_owned()));
        }
        said
    }

    /// The address that says all of this.
    pub(crate) fn address(&self) -> String {
        let mut address = MAP.to_owned();
        for (name, value) in self.said() {
            address.push(if address.len() == MAP.len() { '?' } else { '&' });
            address.push_str(name);
            address.push('=');
            escape(&value, &mut address);
        }
        address
    }

    /// The address of a span of time: its end is the newest column, and columns are as narrow as they can be for the map to hold it
    /// and for the node to have kept it of single nodes.
    pub(crate) fn zoomed(&self, from: u64, to: u64, columns: usize, now: u64) -> String {
        let holds = |resolution: &Resolution| {
            let width = resolution.millis();
            width * columns as u64 >= to.saturating_sub(from) && from + width * MAX_COLUMNS as u64 > now
        };
        let resolution = Resolution::ALL.into_iter().find(holds).unwrap_or(self.resolution);
        let at = (to <= now).then(|| to.saturating_sub(1));
        self.with(|choice| (choice.resolution, choice.at, choice.pin) = (resolution, at, None))
    }

    /// The address of the same with the line a step of 5 hundredths higher or lower; the first step draws it in the middle.
    pub(crate) fn with_line_moved(&self, up: bool) -> String {
        let moved = match (self.line, up) {
            (None, _) => 50,
            (Some(line), true) => (line / 5 * 5 + 5).min(100),
            (Some(line), false) => line.div_ceil(5).saturating_sub(1) * 5,
        };
        self.with(|choice| choice.line = Some(moved))
    }

    /// The address of the same with something changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut choice = self.clone();
        change(&mut choice);
        choice.address()
    }
}

impl Pin {
    /// Reads a moment, or a moment and a row: `1763820910000`, `1763820910000.3`.
    fn read(text: &str) -> Option<Self> {
        let (start, row) = text.split_once('.').unwrap_or((text, "0"));
        Some(Self { start: start.parse().ok()?, row: row.parse().ok()? })
    }

    fn said(self) -> String {
        let Self { start, row } = self;
        if row > 0 { format!("{start}.{row}") } else { start.to_string() }
    }
}

/// A score as somebody wrote it into a field, in hundredths; none where it is none.
pub(crate) fn hundredths(text: &str) -> Option<u8> {
    let score = number::parse(text.trim()).filter(|score| (0.0..=1.0).contains(score))?;
    Some((100.0 * score).round() as u8)
}

/// Whatever could mean something in an address, by its bytes.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // A String takes everything.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// What the address says, as it changes.
pub(crate) fn use_choice(place: Place) -> Memo<Choice> {
    Memo::new(move |_| Choice::read(|name| place.asked(name)))
}

/// One row of links, of which one is where the reader is. Options are told by their place in the row: a component for each kind of
/// them would be a kB of the program.
#[component]
pub(crate) fn Choices(
    /// What the row is about.
    label: &'static str,
    /// What they are called.
    options: Vec<&'static str>,
    /// What is chosen.
    choice: Memo<Choice>,
    /// Which of them that is.
    chosen: fn(&Choice) -> usize,
    /// Chooses another.
    choose: fn(&mut Choice, usize),
) -> impl IntoView {
    let link = move |(which, name): (usize, &'static str)| {
        let current = move || if choice.with(chosen) == which { "true" } else { "false" }.to_owned();
        view! {
            <a href=text(move || choice.get().with(|choice| choose(choice, which))) aria-current=text(current)>{name}</a>
        }
    };
    view! {
        <div class="choices" role="group" aria-label=label>
            <span class="choices-label" aria-hidden="true">{label}</span>
            {options.into_iter().enumerate().map(link).collect_view()}
        </div>
    }
    .into_part()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Column;
    use crate::place::asked;

    fn read(query: &[(&str, &str)]) -> Choice {
        Choice::read(|name| query.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn options_are_told_by_their_place() {
        assert!(Kind::ALL.iter().enumerate().all(|(place, kind)| *kind as usize == place));
        assert!(Palette::ALL.iter().enumerate().all(|(place, palette)| *palette as usize == place));
        assert!(Resolution::ALL.iter().enumerate().all(|(place, resolution)| *resolution as usize == place));
    }

    #[test]
    fn what_is_usual_is_not_said() {
        assert_eq!(Choice::default().address(), "/federated/map");
        assert_eq!(read(&[]), Choice::default());
    }

    #[test]
    fn an_address_restores_what_was_seen() {
        let choice = Choice {
            resolution: Resolution::Hour,
            kind: Kind::Change,
            palette: Palette::Mono,
            node: Some("a".to_owned()),
            at: Some(1_763_820_915_999),
            line: Some(40),
            find: "ü b".to_owned(),
            above: 24,
            pin: Some(Pin { start: 1_763_820_910_000, row: 3 }),
            order: Order { column: Column::RoundTrip, backwards: true },
            wall: true,
            table: true,
        };
        let address = choice.address();
        assert_eq!(
            address,
            "/federated/map?res=1h&kind=change&colours=mono&node=a&t=1763820915999&line=40&find=%C3%BC%20b&above=24\
             &pin=1763820910000.3&sort=-rtt&wall=1&table=1"
        );
        let query = address.split_once('?').unwrap().1;
        assert_eq!(Choice::read(|name| asked(query, name)), choice);
    }

    #[test]
    fn a_line_is_drawn_at_any_score_and_moved_in_steps() {
        assert_eq!(
            [hundredths("0.37"), hundredths(" 1 "), hundredths("1.2"), hundredths("x")],
            [Some(37), Some(100), None, None]
        );
        assert_eq!(read(&[("below", "0.37")]).line, Some(37));
        let moved = |line, up| Choice { line, ..Choice::default() }.with_line_moved(up);
        assert_eq!(moved(None, true), "/federated/map?line=50");
        assert_eq!(
            [moved(Some(37), true), moved(Some(37), false)],
            ["/federated/map?line=40", "/federated/map?line=35"]
        );
        assert_eq!(
            [moved(Some(100), true), moved(Some(0), false)],
            ["/federated/map?line=100", "/federated/map?line=0"]
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_the_address() {
        let choice = Choice { node: Some("a&t=1#ü\"".to_owned()), ..Choice::default() };
        assert_eq!(choice.address(), "/federated/map?node=a%26t%3D1%23%C3%BC%22");
    }

    #[test]
    fn a_span_is_shown_as_finely_as_the_map_can_hold_it() {
        let (end, now) = (7_200_000, 7_300_000);
        let span = |minutes: u64| Choice::default().zoomed(end - minutes * 60_000, end, 40, now);
        assert_eq!(span(5), "/federated/map?t=7199999");
        assert_eq!(span(30), "/federated/map?res=1m&t=7199999");
        assert_eq!(span(60), "/federated/map?res=10m&t=7199999");
        // A span that reaches beyond now is live.
        assert_eq!(Choice::default().zoomed(end, now + 1, 40, now), "/federated/map");
    }

    #[test]
    fn a_span_is_shown_in_columns_that_are_kept_of_nodes_so_far_back() {
        let now = 90_000_000;
        let span = |back: u64| Choice::default().zoomed(now - back, now - back + 60_000, 40, now);
        // 60 columns of 10 s, and of a minute.
        assert_eq!([span(599_000), span(600_000)], ["/federated/map?t=89460999", "/federated/map?res=1m&t=89459999"]);
        assert_eq!(span(3_600_000), "/federated/map?res=10m&t=86459999");
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let query = [("res", "2s"), ("kind", "x"), ("colours", ""), ("t", "-1"), ("line", "101"), ("wall", "yes")];
        assert_eq!(read(&query), Choice::default());
        let long = "a".repeat(LONGEST + 1);
        assert_eq!(read(&[("find", &long), ("node", &long), ("above", "-1"), ("sort", "-x")]), Choice::default());
        for pin in ["", "x", "1.", ".1", "1.-1", "1.1.1", "-1", "99999999999999999999"] {
            assert_eq!(read(&[("pin", pin)]), Choice::default(), "{pin}");
        }
    }
}
