//! Whether the page is fresh, and what to do about it: a state machine without clock, socket or timer.
//!
//! The page lives by the stream. Where that fails it fetches, and keeps trying the stream. Invariant: the page says [`Mode::Live`]
//! only while the stream speaks, [`Mode::Polling`] only while fetches succeed, [`Mode::Loaded`] until it is known whether they do,
//! and [`Mode::Offline`] in every other case.

/// Milliseconds since the Unix epoch, by the browser's clock.
pub(crate) type Millis = u64;

/// A stream says something every 5 s; one that has been silent for three times as long is dead.
const SILENCE: Millis = 15_000;
/// The stream's first message is a snapshot that the server has at hand, so it follows at once.
const OPENING: Millis = 5_000;
/// The wait before the stream is tried again, doubled with each failure.
pub(super) const FIRST_WAIT: Millis = 1_000;
/// The longest wait before the stream is tried again.
pub(super) const LONGEST_WAIT: Millis = 30_000;
/// How often the page fetches while there is no stream.
const POLL_EVERY: Millis = 10_000;
/// Fetched data counts as fresh for two rounds of polling and a slow answer.
const STALE: Millis = 25_000;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A message came over the stream.
    Message,
    /// The stream was closed, refused or unreadable.
    StreamEnded,
    /// A fetch brought a snapshot.
    Fetched,
    /// A fetch failed.
    FetchFailed,
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Open the stream.
    OpenStream,
    /// Close the stream without waiting for its farewell.
    CloseStream,
    /// Fetch a snapshot.
    Fetch,
}

/// How fresh the page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It shows what came last, from the server with the page or over a stream that is dead; whether more will come is not known yet.
    Loaded,
    /// The stream keeps it fresh.
    Live,
    /// Fetches keep it fresh.
    Polling,
    /// Nothing does.
    Offline,
    /// It stands still, and shows a moment of the past.
    Past,
}

impl Mode {
    /// The mode as the style sheet knows it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Live => "live",
            Self::Polling => "polling",
            Self::Offline => "offline",
            Self::Past => "past",
        }
    }
}

/// The mode, and since when it has held; `None` for the one that the server rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// How fresh the page is.
    pub(crate) mode: Mode,
    /// When that began.
    pub(crate) since: Option<Millis>,
}

impl Status {
    /// What the server renders and the browser starts from.
    pub(crate) const LOADED: Self = Self { mode: Mode::Loaded, since: None };
}

/// Where the stream stands.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Waiting { until: Millis },
    Opening { since: Millis },
    Open { heard: Millis },
}

/// The state machine.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    status: Status,
    stream: Stream,
    /// The next wait before the stream is tried again.
    wait: Millis,
    /// When the next fetch is due; `None` while the stream needs no help.
    next_fetch: Option<Millis>,
    fetching: bool,
    fetch_failed: bool,
    /// Whether a fetch has succeeded since the stream spoke last.
    polls: bool,
    /// When data last came, by stream or fetch.
    fresh: Option<Millis>,
    /// The last time that was taken in, and by how much the browser's clock was set back since the beginning: times here never
    /// go back, so that nothing waits for a moment that has been.
    last: Millis,
    set_back: Millis,
}

impl Connection {
    /// A page that was just loaded: the first tick opens the stream.
    pub(crate) const fn new() -> Self {
        Self {
            status: Status::LOADED,
            stream: Stream::Waiting { until: 0 },
            wait: FIRST_WAIT,
            next_fetch: None,
            fetching: false,
            fetch_failed: false,
            polls: false,
            fresh: None,
            last: 0,
            set_back: 0,
        }
    }

    /// How fresh the page is.
    pub(crate) const fn status(&self) -> Status {
        self.status
    }

    /// Takes in what has happened; returns what is to be done, in order.
    pub(crate) fn handle(&mut self, wall: Millis, input: Input) -> Vec<Command> {
        self.set_back = self.set_back.max(self.last.saturating_sub(wall));
        let now = wall + self.set_back;
        self.last = now;
        match input {
            Input::Message => self.on_message(now),
            Input::StreamEnded => self.on_stream_ended(now),
            Input::Fetched => self.on_fetched(now),
            Input::FetchFailed => self.on_fetch_failed(),
            Input::Tick => {}
        }
        let mut commands = Vec::new();
        self.mind_stream(now, &mut commands);
        self.mind_fetch(now, &mut commands);
        self.name_mode(now, wall);
        commands
    }

    fn on_message(&mut self, now: Millis) {
        self.stream = Stream::Open { heard: now };
        self.wait = FIRST_WAIT;
        self.next_fetch = None;
        (self.fetch_failed, self.polls) = (false, false);
        self.fresh = Some(now);
    }

    fn on_stream_ended(&mut self, now: Millis) {
        self.stream = Stream::Waiting { until: now + self.wait };
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.next_fetch.get_or_insert(now);
    }

    fn on_fetched(&mut self, now: Millis) {
        self.fetching = false;
        (self.fetch_failed, self.polls) = (false, true);
        self.fresh = Some(now);
    }

    fn on_fetch_failed(&mut self) {
        self.fetching = false;
        // A fetch that fails beside a stream that speaks says nothing of the page.
        self.fetch_failed = !matches!(self.stream, Stream::Open { .. });
    }

    fn mind_stream(&mut self, now: Millis, commands: &mut Vec<Command>) {
        match self.stream {
            Stream::Waiting { until } if now >= until => {
                self.stream = Stream::Opening { since: now };
                commands.push(Command::OpenStream);
            }
            Stream::Opening { since } if now >= since + OPENING => self.give_up(now, commands),
            Stream::Open { heard } if now >= heard + SILENCE => self.give_up(now, commands),
            Stream::Waiting { .. } | Stream::Opening { .. } | Stream::Open { .. } => {}
        }
    }

    fn give_up(&mut self, now: Millis, commands: &mut Vec<Command>) {
        commands.push(Command::CloseStream);
        self.on_stream_ended(now);
    }

    fn mind_fetch(&mut self, now: Millis, commands: &mut Vec<Command>) {
        if !self.fetching && self.next_fetch.is_some_and(|due| now >= due) {
            self.fetching = true;
            self.next_fetch = Some(now + POLL_EVERY);
            commands.push(Command::Fetch);
        }
    }

    fn name_mode(&mut self, now: Millis, wall: Millis) {
        let mode = match (self.stream, self.fresh) {
            (Stream::Open { .. }, _) => Mode::Live,
            _ if self.fetch_failed => Mode::Offline,
            (_, Some(fresh)) if now >= fresh + STALE => Mode::Offline,
            (_, Some(_)) if self.polls => Mode::Polling,
            (_, _) => Mode::Loaded,
        };
        if mode != self.status.mode {
            self.status = Status { mode, since: Some(wall) };
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
