//! A picture of a comparison: what `compare --json` prints, as SVG.
//!
//! For each scenario, a bar for each protocol: on the left how often a payload is sent in vain, on the right how late the
//! last node gets it. Bars are named beside themselves, so that nobody has to tell colours apart; the colours are those of
//! Okabe and Ito, which colour-blind eyes can. A reader's dark page gets a dark picture.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is read of an entry of the table.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    scenario: String,
    protocol: String,
    seeds: Vec<u64>,
    figures: BTreeMap<String, Option<Spread>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// A half of the picture.
struct Panel {
    figure: &'static str,
    heading: &'static str,
    note: &'static str,
    unit: &'static str,
    decimals: usize,
    left: f64,
    /// What a good protocol comes near to: a line is drawn there.
    ideal: f64,
}

const PANELS: [Panel; 2] = [
    Panel {
        figure: "rmr",
        heading: "Payloads sent in vain",
        note: "for each that was needed (RMR): 0 is a tree",
        unit: "",
        decimals: 2,
        left: 150.0,
        ideal: 0.0,
    },
    Panel {
        figure: "last_over_bound",
        heading: "Last node reached",
        note: "as a multiple of the overlay's shortest path: 1 is the bound",
        unit: " ×",
        decimals: 2,
        left: 540.0,
        ideal: 1.0,
    },
];

const WIDTH: f64 = 900.0;
const BAR_SPACE: f64 = 250.0;
const TOP: f64 = 96.0;
const ROW: f64 = 22.0;
const GAP: f64 = 38.0;

const STYLE: &str = "
  :root { --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #8c959f; --whisker: #1b1f24;
          --c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7; --c4: #d55e00; }
  @media (prefers-color-scheme: dark) {
    :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #656c76; --whisker: #e6edf3; --c0: #56b4e9; }
  }
  text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: var(--ink); }
  .title { font-size: 18px; font-weight: 600; } .heading { font-size: 15px; font-weight: 600; }
  .scenario { font-weight: 600; } .soft { fill: var(--soft); font-size: 12px; } .ours { font-weight: 600; }
";

/// Draws a comparison: of these scenarios, or of all, if none is named.
///
/// # Errors
/// The text is not what `compare --json` prints, or there is nothing of these in it.
pub fn draw(json: &str, scenarios: &[String]) -> Result<String, String> {
    let mut entries: Vec<Entry> =
        serde_json::from_str(json).map_err(|error| format!("not what `mesh-sim compare --json` prints: {error}"))?;
    entries.retain(|entry| scenarios.is_empty() || scenarios.contains(&entry.scenario));
    if entries.is_empty() {
        return Err("there is nothing to draw".to_owned());
    }
    let mut scenarios: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in &entries {
        match scenarios.last_mut().filter(|(scenario, _)| *scenario == entry.scenario) {
            Some((_, group)) => group.push(entry),
            None => scenarios.push((&entry.scenario, vec![entry])),
        }
    }
    let height = TOP + entries.len() as f64 * ROW + scenarios.len() as f64 * GAP + 24.0;
    Ok(picture(&entries, &scenarios, height))
}

fn picture(entries: &[Entry], scenarios: &[(&str, Vec<&Entry>)], height: f64) -> String {
    let seeds = entries.first().map_or(0, |entry| entry.seeds.len());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"title\">\n<title id=\"title\">{}</title>\n<style>{STYLE}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--paper)\"/>\n",
        escape(&in_words(entries)),
    );
    text(&mut svg, 16.0, 28.0, "title", "Gossip protocols on the same simulated networks");
    for panel in &PANELS {
        text(&mut svg, panel.left, 56.0, "heading", panel.heading);
        text(&mut svg, panel.left, 74.0, "soft", panel.note);
    }
    let mut y = TOP;
    let protocols = names(entries);
    for (scenario, group) in scenarios {
        y += GAP - 16.0;
        text(&mut svg, 16.0, y, "scenario", scenario);
        y += 16.0;
        for panel in &PANELS {
            ideal(&mut svg, panel, entries, y - 8.0, group.len() as f64 * ROW + 4.0);
        }
        for entry in group {
            let place = protocols.iter().position(|name| *name == entry.protocol).unwrap_or(0);
            row(&mut svg, entry, entries, y, place);
            y += ROW;
        }
    }
    let foot = format!("Bars: medians of {seeds} seeds, with their range. Shorter is better.");
    text(&mut svg, 16.0, height - 10.0, "soft", &foot);
    svg + "</svg>\n"
}

/// One protocol in one scenario: its name, and a bar in each panel.
fn row(svg: &mut String, entry: &Entry, all: &[Entry], y: f64, colour: usize) {
    text(svg, 28.0, y + 4.0, if colour == 0 { "ours" } else { "protocol" }, label(&entry.protocol));
    for panel in &PANELS {
        let missed = entry.figures.get("missed").copied().flatten().map_or(0.0, |missed| missed.median);
        let late = panel.figure != "rmr" && missed > 0.0;
        let missed = if late { format!("  missed {missed:.0}") } else { String::new() };
        let Some(spread) = entry.figures.get(panel.figure).copied().flatten() else {
            text(svg, panel.left + 6.0, y + 4.0, "soft", &format!("nothing to measure{missed}"));
            continue;
        };
        let x = |value: f64| panel.left + value.max(0.0) / greatest(panel, all) * BAR_SPACE;
        let (begin, end) = (x(0.0), x(spread.median));
        let _ = writeln!(
            svg,
            "<rect x=\"{begin:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"12\" rx=\"2\" fill=\"var(--c{})\"/>",
            y - 6.0,
            (end - begin).max(1.5),
            colour.min(4),
        );
        if spread.max > spread.min {
            line(svg, x(spread.min), y, x(spread.max), y, "var(--whisker)", 1.5);
        }
        let value = format!("{:.*}{}{missed}", panel.decimals, spread.median, panel.unit);
        text(svg, x(spread.max).max(end) + 6.0, y + 4.0, "value", &value);
    }
}

/// The line at what a good protocol comes near to.
fn ideal(svg: &mut String, panel: &Panel, all: &[Entry], y: f64, height: f64) {
    let x = panel.left + panel.ideal / greatest(panel, all) * BAR_SPACE;
    line(svg, x, y, x, y + height, "var(--line)", 1.0);
}

/// The greatest value of a panel: the same scale for all scenarios.
fn greatest(panel: &Panel, all: &[Entry]) -> f64 {
    let values = all.iter().filter_map(|entry| entry.figures.get(panel.figure).copied().flatten());
    values.map(|spread| spread.max).fold(panel.ideal.max(0.1), f64::max)
}

/// The protocols, in the order in which they come.
fn names(entries: &[Entry]) -> Vec<&str> {
    let mut names = Vec::new();
    for entry in entries {
        if !names.contains(&entry.protocol.as_str()) {
            names.push(&entry.protocol);
        }
    }
    names
}

fn label(protocol: &str) -> &str {
    match protocol {
        "trees" => "Beauty Mesh",
        "plumtree" => "one shared tree",
        "seed" => "fanout 3, ttl 10",
        "iroh" => "iroh-gossip",
        other => other,
    }
}

/// The picture for whoever can't see it.
fn in_words(entries: &[Entry]) -> String {
    let median = |entry: &Entry, figure: &str| {
        let spread = entry.figures.get(figure).copied().flatten();
        spread.map_or("unknown".to_owned(), |spread| format!("{:.2}", spread.median))
    };
    let sentence = |entry: &Entry| {
        let (rmr, last) = (median(entry, "rmr"), median(entry, "last_over_bound"));
        format!("{}, {}: RMR {rmr}, last delivery {last} times the bound.", entry.scenario, label(&entry.protocol))
    };
    entries.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escape(words));
}

fn line(svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64, colour: &str, width: f64) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"[
        {"scenario": "a<b", "protocol": "trees", "seeds": [0, 1], "runs": [],
         "figures": {"rmr": {"median": 0.0, "min": 0.0, "max": 0.01},
                     "last_over_bound": {"median": 1.05, "min": 1.0, "max": 1.1}, "missed": null}},
        {"scenario": "a<b", "protocol": "iroh", "seeds": [0, 1], "runs": [],
         "figures": {"rmr": {"median": 0.4, "min": 0.38, "max": 0.43}, "last_over_bound": null,
                     "missed": {"median": 12.0, "min": 0.0, "max": 24.0}}}]"#;

    #[test]
    fn a_comparison_is_drawn_with_every_value_and_said_in_words() {
        let svg = draw(JSON, &[]).unwrap();
        for part in ["Beauty Mesh", "iroh-gossip", "0.40", "1.05 ×", "nothing to measure  missed 12", "a&lt;b"] {
            assert!(svg.contains(part), "{part} is missing:\n{svg}");
        }
        assert!(svg.contains("iroh-gossip: RMR 0.40, last delivery unknown times the bound."));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && !svg.contains("NaN"));
        assert_eq!(svg.matches("<rect").count(), 1 + 3, "the paper, and a bar for each value");
    }

    #[test]
    fn what_is_no_comparison_is_refused_in_words() {
        assert!(draw("{}", &[]).unwrap_err().contains("compare --json"));
        assert!(draw("[]", &[]).unwrap_err().contains("nothing to draw"));
        assert!(draw(JSON, &["b".to_owned()]).unwrap_err().contains("nothing to draw"));
        assert_eq!(draw(JSON, &["a<b".to_owned()]), draw(JSON, &[]));
    }
}
