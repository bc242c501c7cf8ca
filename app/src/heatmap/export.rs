//! What is on screen, to take along: numbers as CSV or JSON, the picture as PNG.

use super::model::HeatmapModel;
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

/// A stranger's text as a field: quoted, and never the formula that spreadsheets would take it for.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::model::Aspect;
    use super::*;
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
    fn a_name_is_no_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
