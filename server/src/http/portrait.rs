//! `GET /federated/portrait` and `/federated/portrait.png`: what the portrait is drawn from, and the portrait as the page draws it.

use super::problem::HttpProblem;
use super::{AppState, headers};
use crate::clock;
use app::PORTRAIT_SIDE;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use beauty::{Likeness, Resolution, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// The likeness and the picture that were made last: they are asked for more often than they change.
#[derive(Default)]
pub(super) struct Portraits {
    taken: Mutex<Option<Taken>>,
    drawn: Mutex<Option<(Likeness, Bytes)>>,
    /// One picture is drawn at a time, away from the node's thread.
    turn: Turn,
}

/// A place for whoever draws; the others wait for it without holding what has been drawn.
struct Turn(Semaphore);

impl Default for Turn {
    fn default() -> Turn {
        Turn(Semaphore::new(1))
    }
}

struct Taken {
    version: u64,
    hour: Timestamp,
    likeness: Arc<Likeness>,
}

/// What the portrait of this moment is drawn from.
pub(super) fn likeness(state: &AppState) -> Likeness {
    // The version first: what changes meanwhile makes the copy older, never newer, than it says.
    let (version, now) = (state.node.shared.version(), clock::wall());
    let hour = Resolution::Hour.floor(now);
    let known = |taken: &Taken| (taken.version == version && taken.hour == hour).then(|| taken.likeness.clone());
    if let Some(likeness) = lock(&state.portraits.taken).as_ref().and_then(known) {
        return Likeness::clone(&likeness);
    }
    let likeness = Arc::new(state.node.shared.ledger().likeness(now));
    *lock(&state.portraits.taken) = Some(Taken { version, hour, likeness: Arc::clone(&likeness) });
    Likeness::clone(&likeness)
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn numbers(State(state): State<AppState>) -> Json<Likeness> {
    Json(likeness(&state))
}

pub(super) async fn picture(State(state): State<AppState>) -> Result<Response, HttpProblem> {
    // Never closed: it fails nowhere.
    let _turn = state.portraits.turn.0.acquire().await.map_err(|_| not_drawn())?;
    let likeness = likeness(&state);
    let of_this = |(of, png): &(Likeness, Bytes)| (*of == likeness).then(|| png.clone());
    let known = lock(&state.portraits.drawn).as_ref().and_then(of_this);
    let png = match known {
        Some(png) => png,
        None => {
            let of = likeness.clone();
            let png = tokio::task::spawn_blocking(move || draw(&of)).await.ok().and_then(Result::ok);
            let png = Bytes::from(png.ok_or_else(not_drawn)?);
            *lock(&state.portraits.drawn) = Some((likeness, png.clone()));
            png
        }
    };
    Ok(([(header::CONTENT_TYPE, "image/png"), headers::FOR_ALL_SITES], png).into_response())
}

/// The portrait as a PNG file.
fn draw(likeness: &Likeness) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let side = PORTRAIT_SIDE as u32;
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&app::portrait(likeness))?;
    Ok(file)
}

fn not_drawn() -> HttpProblem {
    let detail = "the portrait could not be drawn; GET /federated/portrait has the numbers that it is drawn from";
    HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, "not-drawn", "No portrait", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_pixels_that_the_page_draws() {
        let likeness = Likeness { digest: "0d".repeat(32), mean: Some(700_000), chaos: 0, spread: 0, trend: 0 };
        let file = draw(&likeness).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert!(pixels == app::portrait(&likeness), "the pixels differ");
    }
}
