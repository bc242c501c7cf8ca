//! The portrait on the page: drawn anew when the digest has changed, in parts that no frame of the screen waits for.

use super::picture::{PORTRAIT_SIDE, Sitting};
use crate::api::Snapshot;
use crate::browser::{self, Bitmap};
use crate::live::fetch_likeness;
use crate::map::heading_of_now;
use crate::part::{IntoPart, text};
use crate::words::{NOTHING, each, td_string, use_language};
use beauty::Likeness;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use web_sys::HtmlCanvasElement;

/// Milliseconds in which points are drawn in one frame of the screen, and how many are drawn between two looks at the clock.
const DRAWING: f64 = 1.0;
const POINTS: u32 = 2_000;
/// Lines that are painted in one frame of the screen.
const LINES: usize = 30;
/// A digest may change with every event; the portrait follows at its ease.
const EASE: Duration = Duration::from_secs(5);

/// The portrait, its legend, and the file to take along.
#[component]
pub(crate) fn Portrait(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the portrait starts from.
    likeness: Likeness,
) -> impl IntoView {
    let language = use_language();
    let (likeness, set_likeness) = signal(likeness);
    let canvas = NodeRef::<html::Canvas>::new();
    follow(snapshot, likeness, set_likeness);
    Effect::new(move |_| {
        if let Some(canvas) = canvas.get() {
            let likeness = likeness.get();
            let sitting = Sitting::new(&likeness);
            let easel = Easel {
                canvas: StoredValue::new_local(canvas),
                sitting: StoredValue::new_local(Some(sitting)),
                behind: StoredValue::new_local(Bitmap::new(PORTRAIT_SIDE as u32, PORTRAIT_SIDE as u32)),
                digest: StoredValue::new(likeness.digest),
            };
            easel.next_frame();
        }
    });
    let short = move || likeness.with(|likeness| likeness.digest.chars().take(8).collect::<String>());
    let number = move |which: usize| {
        let Likeness { mean, chaos, spread, trend, .. } = *likeness.read();
        let micros = [mean.map(f64::from), Some(chaos.into()), Some(spread.into()), Some(trend.into())][which];
        micros.map_or_else(|| NOTHING.to_owned(), |micros| language.fixed(micros / 1_000_000.0, 3))
    };
    let numbers =
        each!(language, portrait: beauty, chaos, spread, trend).into_iter().enumerate().map(|(which, name)| {
            view! { <div><dt>{name}</dt><dd>{text(move || number(which))}</dd></div> }
        });
    let empty = move || {
        let empty = likeness.with(|likeness| likeness.mean.is_none());
        if empty { td_string!(language, portrait.empty).to_owned() } else { String::new() }
    };
    view! {
        <section class="portrait" aria-labelledby="portrait-heading">
            {heading_of_now("portrait-heading", td_string!(language, portrait.title), snapshot)}
            <canvas
                node_ref=canvas
                width=PORTRAIT_SIDE.to_string()
                height=PORTRAIT_SIDE.to_string()
                role="img"
                aria-label=text(move || td_string!(language, portrait.label, digest = short()))
                data-testid="portrait"
                data-digest=text(move || likeness.with(|likeness| likeness.digest.clone()))
            ></canvas>
            <div class="portrait-legend">
                <p>{text(empty)}</p>
                <p class="note">{td_string!(language, portrait.help)}</p>
                <dl>{numbers.collect_view()}</dl>
                <a href="/federated/portrait.png" download="beauty-mesh-portrait.png" rel="external">{td_string!(language, portrait.save)}</a>
            </div>
        </section>
    }
    .into_part()
}

/// Asks for the likeness again when the digest has changed, and then not again for a while.
fn follow(snapshot: ReadSignal<Snapshot>, likeness: ReadSignal<Likeness>, set_likeness: WriteSignal<Likeness>) {
    let digest = Memo::new(move |_| snapshot.with(|snapshot| snapshot.heatmap.digest.clone()));
    let asked = StoredValue::new(false);
    Effect::new(move |_| {
        let changed = digest.read() != likeness.read().digest;
        if !changed || asked.get_value() {
            return;
        }
        asked.set_value(true);
        let ask = move || {
            spawn_local(async move {
                let answer = fetch_likeness().await;
                asked.try_set_value(false);
                // What doesn't come is asked for at the next change.
                if let Ok(answer) = answer {
                    set_likeness.try_set(answer);
                }
            });
        };
        set_timeout(ask, EASE);
    });
}

/// A canvas, and the portrait that is being drawn for it. Made in an effect, whose end is the end of the sitting.
#[derive(Clone, Copy)]
struct Easel {
    canvas: StoredValue<HtmlCanvasElement, LocalStorage>,
    sitting: StoredValue<Option<Sitting>, LocalStorage>,
    /// Where it is painted until it can be shown at once, so that nobody sees it flicker.
    behind: StoredValue<Option<Bitmap>, LocalStorage>,
    /// Of what it is.
    digest: StoredValue<String>,
}

impl Easel {
    fn next_frame(self) {
        request_animation_frame(move || {
            let drawn = self.sitting.try_update_value(|sitting| sitting.as_mut().is_none_or(draw));
            match drawn {
                Some(false) => self.next_frame(),
                Some(true) => self.paint(),
                None => {}
            }
        });
    }

    /// Paints the next lines behind the page; shows the picture once all are there.
    fn paint(self) {
        request_animation_frame(move || {
            let part = self.sitting.try_update_value(|sitting| sitting.as_mut().map(|sitting| sitting.paint(LINES)));
            let Some((first, pixels)) = part.flatten() else { return };
            if pixels.is_empty() {
                return self.hang();
            }
            self.behind.try_with_value(|behind| behind.as_ref()?.put_lines(first as u32, &pixels));
            self.paint();
        });
    }

    fn hang(self) {
        let digest = self.digest.try_get_value().unwrap_or_default();
        let shown = self.behind.try_with_value(|behind| {
            self.canvas.try_with_value(|canvas| {
                browser::context(canvas)?
                    .draw_image_with_html_canvas_element(behind.as_ref()?.canvas(), 0.0, 0.0)
                    .ok()?;
                // For whoever waits for this picture, and not for the one before.
                canvas.set_attribute("data-drawn", &digest).ok()
            })
        });
        if shown.flatten().flatten().is_some() {
            self.sitting.try_set_value(None);
            self.behind.try_set_value(None);
        }
    }
}

/// Draws for a while; true once all points are there.
fn draw(sitting: &mut Sitting) -> bool {
    let ends = browser::ticks() + DRAWING;
    loop {
        let all = sitting.go_on(POINTS);
        if all || browser::ticks() >= ends {
            return all;
        }
    }
}
