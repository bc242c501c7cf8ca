//! The mesh in one line, as an SVG that fits into any page.

use crate::api::Health;
use crate::choice::Palette;
use crate::heatmap::css;
use crate::words::{Language, NOTHING, isolated, shortened};

/// The height, and the room around a text, in pixels.
const HEIGHT: f64 = 20.0;
const PADDING: f64 = 7.0;
/// Up to so many letters of a name have room.
const MOST: usize = 24;
/// The width of a character of the badge's font: what is a little narrower or wider is stretched to it.
const CHARACTER: f64 = 6.6;

/// The badge: the node's name, the mean of the mesh on the colour that it has on the map, and how many nodes there are.
#[must_use]
pub fn badge(health: &Health) -> String {
    let language = Language::en;
    let mean = health.beauty_avg.map_or_else(|| NOTHING.to_owned(), |mean| language.score(mean));
    let said = format!("{mean} · {}", language.nodes(health.nodes as u64));
    let short = shortened(&health.node_id, MOST);
    let [left, right] = [&short, &said].map(|text| width(text));
    let name = escaped(&isolated(&short));
    let colour = health.beauty_avg.map_or([96, 96, 96], |mean| Palette::Cividis.colour(mean));
    let ink = if light(colour) { "#111" } else { "#fff" };
    let (fill, whole, middle) = (css(colour), left + right, HEIGHT / 2.0 + 4.0);
    let text = |text: &str, from: f64, width: f64, ink: &str| {
        let (x, length) = (from + PADDING, width - 2.0 * PADDING);
        format!(r#"<text x="{x:.0}" y="{middle}" fill="{ink}" textLength="{length:.0}">{text}</text>"#)
    };
    format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{whole:.0}" height="{height}" role="img" aria-label="{name}: {said}">"#,
            r#"<title>{name}: {said}</title>"#,
            r#"<clipPath id="c"><rect width="{whole:.0}" height="{height}" rx="4"/></clipPath>"#,
            r#"<g clip-path="url(#c)" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">"#,
            r##"<rect width="{left:.0}" height="{height}" fill="#333a45"/>"##,
            r#"<rect x="{left:.0}" width="{right:.0}" height="{height}" fill="{fill}"/>"#,
            "{first}{second}</g></svg>"
        ),
        whole = whole,
        height = HEIGHT,
        name = name,
        said = said,
        left = left,
        right = right,
        fill = fill,
        first = text(&name, 0.0, left, "#fff"),
        second = text(&said, left, right, ink),
    )
}

fn width(text: &str) -> f64 {
    (text.chars().count() as f64 * CHARACTER + 2.0 * PADDING).round()
}

fn light([red, green, blue]: [u8; 3]) -> bool {
    0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue) > 120.0
}

/// A stranger's text, as XML takes it.
fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        // XML 1.0 has no place for these at all.
        '\u{fffe}' | '\u{ffff}' => String::new(),
        control if control.is_control() => String::new(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::snapshot;

    #[test]
    fn it_says_who_how_beautiful_and_how_many() {
        let badge = badge(&snapshot().health);
        assert!(badge.starts_with("<svg ") && badge.contains("<title>alpha: 0.100 · 1 node</title>"), "{badge}");
    }

    #[test]
    fn an_empty_mesh_has_no_number_and_no_colour_of_the_scale() {
        let health = Health { beauty_avg: None, ..snapshot().health };
        assert!(badge(&health).contains("— · 1 node") && badge(&health).contains("#606060"));
    }

    #[test]
    fn a_name_cannot_break_out() {
        let health = Health { node_id: "<b x=\"&\u{1}\u{fffe}\u{ffff}".to_owned(), ..snapshot().health };
        assert!(badge(&health).contains("&lt;b x=&quot;&amp;\u{2069}:"), "{}", badge(&health));
    }
}
