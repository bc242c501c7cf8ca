//! Obeys the [`Connection`]: the one place that reads the clock, opens the stream and starts fetches.

use super::connection::{Command, Connection, FIRST_WAIT, Input, LONGEST_WAIT, Millis, Mode, Status};
use super::poll;
use super::stream::{Heard, Stream};
use crate::api::{Snapshot, StreamMessage};
use crate::browser;
use crate::choice::Choice;
use crate::words::ReadersZone;
use beauty::Resolution;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

/// How often time is told to the state machine.
const TICK: Duration = Duration::from_secs(1);

/// How far two clocks may differ before the page says so: what a message may take on its way, and more.
pub(crate) const SKEW: u64 = 5_000;

/// What is known of the page's freshness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// Whether it is fresh, and since when.
    pub(crate) status: ReadSignal<Status>,
    /// By how many whole seconds the two clocks differ, where that is too much.
    pub(crate) skew: ReadSignal<Option<i64>>,
    /// What is to be shown: columns of which resolution, and of which moment, where not of now.
    pub(crate) aim: Memo<(Resolution, Option<u64>)>,
    /// The zone of the reader's clock.
    pub(crate) zone: ReadersZone,
}

/// Keeps the snapshot fresh from hydration on, for as long as the calling component lives; or, where the reader looks at the
/// past, shows that. Returns how fresh it is.
pub(crate) fn keep_fresh(snapshot: (ReadSignal<Snapshot>, WriteSignal<Snapshot>), choice: Memo<Choice>) -> Freshness {
    let (status, set_status) = signal(Status::LOADED);
    let ((skew, set_skew), (zone, set_zone)) = (signal(None), signal(None));
    // What is yet to come is now.
    let past = move |at: &u64| *at <= snapshot.0.read_untracked().health.now;
    let aim = Memo::new(move |_| choice.with(|choice| (choice.resolution, choice.at.filter(past))));
    Effect::new(move |_| {
        let (resolution, at) = aim.get();
        start_later(Driver::new(resolution, snapshot, set_status, (set_skew, set_zone)), at);
    });
    Freshness { status, skew, aim, zone: ReadersZone(zone) }
}

/// Starts the driver once all parts of the page are taken over, which wait in the same queue: a page that says it lives does.
fn start_later(driver: Driver, at: Option<u64>) {
    let owner = Owner::current().unwrap_or_default();
    if let Ok(waiting) = set_timeout_with_handle(move || owner.with(|| driver.start(at)), Duration::ZERO) {
        on_cleanup(move || waiting.clear());
    }
}

/// Handles to what the driver holds. They outlive it harmlessly: what comes after its end finds nothing to change.
#[derive(Clone, Copy)]
struct Driver {
    resolution: Resolution,
    connection: StoredValue<Connection>,
    stream: StoredValue<Option<Stream>, LocalStorage>,
    shown: ReadSignal<Snapshot>,
    snapshot: WriteSignal<Snapshot>,
    status: WriteSignal<Status>,
    skew: WriteSignal<Option<i64>>,
    zone: WriteSignal<Option<i64>>,
}

impl Driver {
    /// To be called in an effect, whose end is the driver's.
    fn new(
        resolution: Resolution,
        (shown, snapshot): (ReadSignal<Snapshot>, WriteSignal<Snapshot>),
        status: WriteSignal<Status>,
        (skew, zone): (WriteSignal<Option<i64>>, WriteSignal<Option<i64>>),
    ) -> Self {
        let connection = StoredValue::new(Connection::new());
        // What is shown may be of another resolution or moment: nothing is known yet of how fresh this one will be.
        status.set(Status::LOADED);
        Self { resolution, connection, stream: StoredValue::new_local(None), shown, snapshot, status, skew, zone }
    }

    /// Shows a moment of the past. What does not come leaves the page as it was, and offline, and is asked for again.
    async fn look_back(self, at: u64, wait: Millis) {
        let asked = browser::now();
        let answer = poll::snapshot(self.resolution, Some(at)).await;
        // The reader may look elsewhere by now.
        if self.connection.try_with_value(|_| ()).is_none() {
            return;
        }
        if let Ok(moment) = answer {
            self.compare_clocks(moment.health.now, asked);
            self.snapshot.try_set(moment);
            self.status.try_set(Status::LOADED);
            return;
        }
        if wait == FIRST_WAIT {
            self.status.try_set(Status { mode: Mode::Offline, since: Some(browser::now()) });
        }
        let again = move || spawn_local(self.look_back(at, (2 * wait).min(LONGEST_WAIT)));
        set_timeout(again, Duration::from_millis(wait));
    }

    /// Keeps now fresh, or shows a moment of the past.
    fn start(self, at: Option<u64>) {
        let tell_zone = move || tell(self.zone, Some(browser::minutes_east()));
        tell_zone();
        match at {
            Some(at) => spawn_local(self.look_back(at, FIRST_WAIT)),
            None => self.feed(Input::Tick),
        }
        let tick = move || {
            if at.is_none() {
                self.feed(Input::Tick);
            }
            // Zones change with the season.
            tell_zone();
        };
        if let Ok(ticking) = set_interval_with_handle(tick, TICK) {
            on_cleanup(move || ticking.clear());
        }
    }

    /// Tells the state machine what has happened, and does what it says.
    fn feed(self, input: Input) {
        let fed = self.connection.try_update_value(|connection| {
            let before = connection.status();
            let commands = connection.handle(browser::now(), input);
            (commands, before, connection.status())
        });
        let Some((commands, before, after)) = fed else { return };
        if before != after {
            self.status.try_set(after);
        }
        for command in commands {
            self.obey(command);
        }
    }

    fn obey(self, command: Command) {
        match command {
            Command::OpenStream => self.open_stream(),
            Command::CloseStream => {
                self.stream.try_update_value(|stream| *stream = None);
            }
            Command::Fetch => spawn_local(self.fetch()),
        }
    }

    fn open_stream(self) {
        let opened = Stream::open(self.resolution, self.heard(), move |heard| self.on_heard(heard));
        let refused = opened.is_none();
        self.stream.try_update_value(|stream| *stream = opened);
        if refused {
            self.feed(Input::StreamEnded);
        }
    }

    /// The last number that is contained in what the page shows, and of which run; none where the page shows something else.
    fn heard(self) -> Option<(u64, u64)> {
        self.shown.try_with_untracked(|snapshot| {
            let follows = snapshot.run > 0 && snapshot.heatmap.resolution_seconds == self.resolution.seconds();
            follows.then_some((snapshot.run, snapshot.seq))
        })?
    }

    fn on_heard(self, heard: Heard) {
        match heard {
            Heard::Message(message) => {
                let theirs = match &*message {
                    StreamMessage::Snapshot(snapshot) => snapshot.health.now,
                    StreamMessage::Delta(delta) => delta.health.now,
                };
                self.compare_clocks(theirs, browser::now());
                self.snapshot.try_update(|snapshot| snapshot.apply(*message));
                self.feed(Input::Message);
            }
            Heard::Ended => self.feed(Input::StreamEnded),
        }
    }

    /// Says by how much the clocks differ, and says it again only when the answer differs by seconds. What was asked for at a moment
    /// may have been told at any time since.
    fn compare_clocks(self, theirs: u64, asked: u64) {
        let apart = theirs.abs_diff(theirs.max(asked).min(browser::now()));
        tell(self.skew, (apart > SKEW).then_some(apart as i64 / 1_000));
    }

    async fn fetch(self) {
        let asked = browser::now();
        match poll::snapshot(self.resolution, None).await {
            Ok(fetched) => {
                self.compare_clocks(fetched.health.now, asked);
                self.feed(Input::Fetched);
                // A stream that has come back meanwhile knows better. One that comes back now goes on after what was fetched.
                let polling = |connection: &Connection| connection.status().mode == Mode::Polling;
                if self.connection.try_with_value(polling) == Some(true) {
                    // History comes whole, from the node.
                    self.snapshot.try_set(fetched);
                }
            }
            Err(_) => self.feed(Input::FetchFailed),
        }
    }
}

/// Tells what differs from what was told.
fn tell(signal: WriteSignal<Option<i64>>, told: Option<i64>) {
    signal.try_maybe_update(|before| {
        let differs = *before != told;
        *before = told;
        (differs, ())
    });
}
