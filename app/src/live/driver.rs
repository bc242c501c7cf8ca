//! Obeys the [`Connection`]: the one place that reads the clock, opens the stream and starts fetches.

use super::connection::{Command, Connection, Input, Mode, Status};
use super::poll;
use super::stream::{Heard, Stream};
use crate::api::Snapshot;
use crate::browser;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;

/// How often time is told to the state machine.
const TICK: Duration = Duration::from_secs(1);

/// Keeps the snapshot fresh from hydration on, for as long as the calling component lives. Returns how fresh it is.
pub(crate) fn keep_fresh(snapshot: WriteSignal<Snapshot>) -> ReadSignal<Status> {
    let (status, set_status) = signal(Status::LOADED);
    Effect::new(move |_| Driver::new(snapshot, set_status).start());
    status
}

/// Handles to what the driver holds. They outlive it harmlessly: what comes after its end finds nothing to change.
#[derive(Clone, Copy)]
struct Driver {
    connection: StoredValue<Connection>,
    stream: StoredValue<Option<Stream>, LocalStorage>,
    snapshot: WriteSignal<Snapshot>,
    status: WriteSignal<Status>,
}

impl Driver {
    /// To be called in an effect, whose end is the driver's.
    fn new(snapshot: WriteSignal<Snapshot>, status: WriteSignal<Status>) -> Self {
        let connection = StoredValue::new(Connection::new());
        Self { connection, stream: StoredValue::new_local(None), snapshot, status }
    }

    fn start(self) {
        self.feed(Input::Tick);
        if let Ok(ticking) = set_interval_with_handle(move || self.feed(Input::Tick), TICK) {
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
        let opened = Stream::open(move |heard| self.on_heard(heard));
        let refused = opened.is_none();
        self.stream.try_update_value(|stream| *stream = opened);
        if refused {
            self.feed(Input::StreamEnded);
        }
    }

    fn on_heard(self, heard: Heard) {
        match heard {
            Heard::Message(message) => {
                self.snapshot.try_update(|snapshot| snapshot.apply(*message));
                self.feed(Input::Message);
            }
            Heard::Ended => self.feed(Input::StreamEnded),
        }
    }

    async fn fetch(self) {
        match poll::snapshot().await {
            Ok(fetched) => {
                self.feed(Input::Fetched);
                // A stream that has come back meanwhile knows better.
                let polling = |connection: &Connection| connection.status().mode == Mode::Polling;
                if self.connection.try_with_value(polling) == Some(true) {
                    self.snapshot.try_set(fetched);
                }
            }
            Err(_) => self.feed(Input::FetchFailed),
        }
    }
}
