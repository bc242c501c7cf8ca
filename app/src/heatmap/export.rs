//! What is on screen, to take along: numbers as CSV or JSON, the picture as PNG.

use super::model::HeatmapModel;
use crate::json::Writer;
use crate::number;
use crate::words::rfc3339;
use std::fmt::Write;

/// The model as CSV (RFC 4180): a line for each cell, its time in RFC 3339, its value in full. What has no value is empty.
pub(crate) fn csv(model: &HeatmapModel) -> String {
    let mut text = String::from("row,from,seconds,kind,value,events\r\n");
    for row in &model.rows {
        for (start, cell) in model.columns.iter().zip(&row.cells) {
            let value = cell.value.map(number::shortest).unwrap_or_default();
            let (from, seconds) = (rfc3339(*start), model.resolution_seconds);
            // A String takes everything.
            let _ =
                write!(text, "{},{from},{seconds},{},{value},{}\r\n", quoted(&row.name), row.kind.name(), cell.count);
        }
    }
    text
}

/// The model as JSON: when columns begin, as the API tells times, and of each row its values and its numbers of events.
pub(crate) fn json(model: &HeatmapModel) -> String {
    let mut writer = Writer::default();
    writer.open('{');
    writer.field("resolution_seconds", &model.resolution_seconds);
    writer.field("columns", &model.columns);
    writer.next(true);
    writer.bare("\"rows\": ");
    writer.open('[');
    for row in &model.rows {
        writer.next(true);
        writer.open('{');
        writer.field("name", &row.name);
        writer.field("kind", &row.kind.name().to_owned());
        writer.field("values", &row.cells.iter().map(|cell| cell.value).collect::<Vec<_>>());
        writer.field("events", &row.cells.iter().map(|cell| cell.count).collect::<Vec<_>>());
        writer.close('}', true);
    }
    writer.close(']', true);
    writer.close('}', true);
    writer.text
}

/// A stranger's text as a field: quoted, and never the formula that spreadsheets would take it for.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::model::Aspect;
    use super::*;
    use crate::choice::Kind;
    use crate::samples::{START, heatmap};
    use crate::words::Language;

    #[test]
    fn each_cell_is_a_line_and_nothing_is_not_zero() {
        let model =
            HeatmapModel::new(&heatmap(1, &[("al\"pha", &[Some(0.25)])]), &Aspect::default(), START, Language::en);
        let lines: Vec<String> = csv(&model).lines().map(str::to_owned).collect();
        assert_eq!(
            lines[1..],
            ["\"mesh\",2025-11-22T14:00:00Z,10,average,,0", "\"al\"\"pha\",2025-11-22T14:00:00Z,10,average,0.25,1",]
        );
    }

    #[test]
    fn what_the_filter_hides_is_in_no_file_and_values_are_those_of_the_kind_that_is_shown() {
        let map = heatmap(2, &[("al\"pha", &[Some(0.25), Some(0.75)]), ("beta", &[Some(0.5), None])]);
        let aspect = Aspect { kind: Kind::Change, filter: "al".to_owned(), ..Aspect::default() };
        let model = HeatmapModel::new(&map, &aspect, START, Language::en);
        let told: serde_json::Value = serde_json::from_str(&json(&model)).unwrap();
        assert_eq!((&told["resolution_seconds"], &told["columns"][1]), (&10.into(), &(START + 10_000).into()));
        assert_eq!(told["rows"].as_array().unwrap().len(), 2);
        let row = serde_json::json!({"name": "al\"pha", "kind": "change", "values": [-0.5, 0], "events": [1, 1]});
        assert_eq!(told["rows"][1], row);
        assert!(csv(&model).contains("al\"\"pha") && !csv(&model).contains("beta"));
    }

    #[test]
    fn a_name_is_no_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
