//! The heatmap: the mesh's last buckets, and a row for each node.
//!
//! | idea | file |
//! |---|---|
//! | rows, columns and cells, and how a cell reads | `model.rs` |
//! | the colour of a value | `scale.rs` |
//! | where things are | `layout.rs` |
//! | the picture as a list of draw calls | `paint.rs` |
//! | the cell that is pointed at | `cursor.rs` |
//! | the draw calls on a canvas | `canvas.rs` |
//! | when to paint | `painter.rs` |
//! | what is read out | `spoken.rs` |
//! | what can be chosen | `controls.rs` |
//! | the widget: canvas, tooltip, keys | `view.rs` |
//! | what can be taken along | `export.rs` |
//! | the legend, the same in a table | `legend.rs`, `table.rs` |

mod canvas;
mod controls;
mod cursor;
mod export;
mod layout;
mod legend;
mod model;
mod paint;
mod painter;
mod scale;
mod spoken;
mod table;
mod view;

pub(crate) use layout::Area;
pub(crate) use model::{kept_columns, last_event};
pub(crate) use scale::{css, node_colour};
pub(crate) use spoken::Spoken;
pub(crate) use view::HeatmapView;
