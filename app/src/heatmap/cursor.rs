//! The place on the heatmap that is pointed at, by mouse or by keyboard.

use crate::choice::Pin;

/// A cell: its row (0 is the mesh) and its column (0 is the oldest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The row.
    pub(crate) row: usize,
    /// The column.
    pub(crate) column: usize,
}

/// What points at a cell. Columns slide as time goes by, and nodes come and go; they differ in what they hold on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// The mouse rests on a place of the screen: the cells slide beneath it.
    Pointer(Place),
    /// The keyboard rests on a moment of a node, or of the mesh, and goes with it.
    Keyboard(Pin, Option<String>),
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// One bucket back in time.
    Older,
    /// One bucket on in time.
    Newer,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// The oldest bucket.
    Oldest,
    /// The newest bucket.
    Newest,
}

impl Step {
    /// The step that a key means, by its DOM name.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "ArrowLeft" => Self::Older,
            "ArrowRight" => Self::Newer,
            "ArrowUp" => Self::Up,
            "ArrowDown" => Self::Down,
            "Home" => Self::Oldest,
            "End" => Self::Newest,
            _ => return None,
        })
    }
}

impl Place {
    /// Where the keyboard starts: the newest bucket of the mesh.
    pub(crate) const fn start(columns: usize) -> Self {
        Self { row: 0, column: columns.saturating_sub(1) }
    }

    /// The place after a step; it stops at the edges.
    pub(crate) fn stepped(self, step: Step, rows: usize, columns: usize) -> Self {
        let (last_row, last_column) = (rows.saturating_sub(1), columns.saturating_sub(1));
        let Self { row, column } = self;
        match step {
            Step::Older => Self { row, column: column.saturating_sub(1) },
            Step::Newer => Self { row, column: (column + 1).min(last_column) },
            Step::Up => Self { row: row.saturating_sub(1), column },
            Step::Down => Self { row: (row + 1).min(last_row), column },
            Step::Oldest => Self { row, column: 0 },
            Step::Newest => Self { row, column: last_column },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_move_a_cell_and_stop_at_the_edges() {
        let start = Place::start(40);
        assert_eq!(start, Place { row: 0, column: 39 });
        assert_eq!(start.stepped(Step::Newer, 3, 40), start);
        assert_eq!(start.stepped(Step::Up, 3, 40), start);
        assert_eq!(start.stepped(Step::Older, 3, 40), Place { row: 0, column: 38 });
        assert_eq!(Place { row: 2, column: 5 }.stepped(Step::Down, 3, 40), Place { row: 2, column: 5 });
        assert_eq!(Place { row: 1, column: 0 }.stepped(Step::Older, 3, 40), Place { row: 1, column: 0 });
    }

    #[test]
    fn home_and_end_jump_along_the_row() {
        let place = Place { row: 1, column: 7 };
        assert_eq!(place.stepped(Step::Oldest, 3, 40), Place { row: 1, column: 0 });
        assert_eq!(place.stepped(Step::Newest, 3, 40), Place { row: 1, column: 39 });
    }

    #[test]
    fn other_keys_are_left_to_the_browser() {
        assert_eq!(Step::of_key("Tab"), None);
        assert_eq!(Step::of_key("ArrowLeft"), Some(Step::Older));
    }
}
