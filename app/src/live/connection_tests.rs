//! What the page promises about its word Live, Polling or Offline.

use super::{Command, Connection, Input, Mode, Status};
use Command::{CloseStream, Fetch, OpenStream};
use Input::{FetchFailed, Fetched, Message, StreamEnded, Tick};

/// Feeds the inputs in order; returns the machine and each command with its time.
fn drive(inputs: &[(u64, Input)]) -> (Connection, Vec<(u64, Command)>) {
    let mut connection = Connection::new();
    let mut commands = Vec::new();
    for &(now, input) in inputs {
        commands.extend(connection.handle(now, input).into_iter().map(|command| (now, command)));
    }
    (connection, commands)
}

/// A tick each second from the first time to the last, both included.
fn ticks(from: u64, to: u64) -> Vec<(u64, Input)> {
    (from..=to).step_by(1_000).map(|now| (now, Tick)).collect()
}

#[test]
fn a_loaded_page_opens_the_stream_and_fetches_nothing() {
    let (connection, commands) = drive(&[(1_000, Tick), (2_000, Tick)]);
    assert_eq!(commands, [(1_000, OpenStream)]);
    assert_eq!(connection.status(), Status::LOADED);
}

#[test]
fn the_first_message_makes_it_live_and_says_since_when() {
    let (connection, _) = drive(&[(1_000, Tick), (1_200, Message), (6_200, Message)]);
    assert_eq!(connection.status(), Status { mode: Mode::Live, since: Some(1_200) });
}

#[test]
fn a_stream_that_speaks_every_five_seconds_stays_live() {
    let mut inputs = vec![(0, Tick)];
    for now in (0..120_000).step_by(1_000) {
        inputs.push((now, if now % 5_000 == 0 { Message } else { Tick }));
    }
    let (connection, commands) = drive(&inputs);
    assert_eq!(connection.status().mode, Mode::Live);
    assert_eq!(commands, [(0, OpenStream)]);
}

#[test]
fn a_stream_that_ends_is_replaced_by_a_fetch_at_once_and_tried_again_after_a_second() {
    let (connection, commands) =
        drive(&[(0, Tick), (100, Message), (7_000, StreamEnded), (7_050, Fetched), (8_000, Tick)]);
    assert_eq!(commands, [(0, OpenStream), (7_000, Fetch), (8_000, OpenStream)]);
    assert_eq!(connection.status(), Status { mode: Mode::Polling, since: Some(7_050) });
}

#[test]
fn silence_of_fifteen_seconds_is_a_dead_stream() {
    let mut inputs = vec![(0, Tick), (0, Message)];
    inputs.extend(ticks(1_000, 14_000));
    assert_eq!(drive(&inputs).0.status().mode, Mode::Live);
    inputs.push((15_000, Tick));
    let (connection, commands) = drive(&inputs);
    assert_eq!(commands[1..], [(15_000, CloseStream), (15_000, Fetch)]);
    assert_eq!(connection.status(), Status { mode: Mode::Loaded, since: Some(15_000) });
}

#[test]
fn nothing_is_called_polling_before_a_fetch_has_succeeded() {
    let mut inputs = vec![(0, Tick), (10_000, Message)];
    inputs.extend(ticks(11_000, 25_000));
    assert_eq!(drive(&inputs).0.status().mode, Mode::Loaded);
    let failed = [inputs.clone(), vec![(33_000, FetchFailed)]].concat();
    assert_eq!(drive(&failed).0.status(), Status { mode: Mode::Offline, since: Some(33_000) });
    inputs.push((26_000, Fetched));
    assert_eq!(drive(&inputs).0.status(), Status { mode: Mode::Polling, since: Some(26_000) });
    // The stream speaks and dies: what fetches brought before says nothing of now.
    inputs.extend([(26_100, Message), (27_000, StreamEnded)]);
    assert_eq!(drive(&inputs).0.status().mode, Mode::Loaded);
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting() {
    let hour = 3_600_000;
    let inputs = [(hour, Tick), (hour + 10, Message), (hour + 20, StreamEnded), (hour + 30, FetchFailed)];
    let (connection, commands) = drive(&[&inputs[..], &[(500, Tick), (1_500, Tick)]].concat());
    assert_eq!(commands, [(hour, OpenStream), (hour + 20, Fetch), (1_500, OpenStream)]);
    assert_eq!(connection.status(), Status { mode: Mode::Offline, since: Some(hour + 30) });
    let back = drive(&[&inputs[..], &[(500, Tick), (1_500, Tick), (1_600, Message)]].concat()).0;
    assert_eq!(back.status(), Status { mode: Mode::Live, since: Some(1_600) }, "by the clock that the reader sees");
}

#[test]
fn a_stream_that_opens_and_says_nothing_does_not_keep_the_page_waiting() {
    let (_, commands) = drive(&ticks(0, 6_000));
    assert_eq!(commands, [(0, OpenStream), (5_000, CloseStream), (5_000, Fetch), (6_000, OpenStream)]);
}

#[test]
fn without_a_stream_it_fetches_every_ten_seconds() {
    let mut inputs = vec![(0, Tick), (10, StreamEnded), (20, Fetched)];
    for (now, tick) in ticks(1_000, 35_000) {
        inputs.push((now, tick));
        inputs.push((now + 1, StreamEnded));
        inputs.push((now + 2, Fetched));
    }
    let (connection, commands) = drive(&inputs);
    let fetches: Vec<u64> = commands.iter().filter(|(_, command)| *command == Fetch).map(|(now, _)| *now).collect();
    assert_eq!(fetches, [10, 11_000, 21_000, 31_000]);
    assert_eq!(connection.status(), Status { mode: Mode::Polling, since: Some(20) });
}

#[test]
fn one_fetch_at_a_time() {
    let mut inputs = vec![(0, Tick), (10, StreamEnded)];
    inputs.extend(ticks(1_000, 30_000));
    let (_, commands) = drive(&inputs);
    assert_eq!(commands.iter().filter(|(_, command)| *command == Fetch).count(), 1);
}

#[test]
fn the_wait_for_the_stream_doubles_up_to_thirty_seconds_and_is_forgotten_by_a_message() {
    let mut connection = Connection::new();
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let opened = now;
        while !connection.handle(now, Tick).contains(&OpenStream) {
            now += 100;
        }
        waits.push(now - opened);
        connection.handle(now, StreamEnded);
    }
    assert_eq!(waits, [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    connection.handle(now, Message);
    connection.handle(now, StreamEnded);
    assert!(connection.handle(now + 1_000, Tick).contains(&OpenStream));
}

#[test]
fn a_node_that_is_gone_makes_the_page_offline_and_one_that_is_back_live() {
    let mut inputs = vec![(0, Tick), (50, Message), (3_000, StreamEnded), (3_010, FetchFailed)];
    assert_eq!(drive(&inputs).0.status(), Status { mode: Mode::Offline, since: Some(3_010) });
    inputs.extend([(4_000, Tick), (4_020, Message)]);
    assert_eq!(drive(&inputs).0.status(), Status { mode: Mode::Live, since: Some(4_020) });
}

#[test]
fn a_late_failure_of_a_fetch_does_not_spoil_a_stream_that_speaks() {
    let inputs = [(0, Tick), (10, StreamEnded), (1_010, Tick), (1_020, Message), (1_030, FetchFailed)];
    assert_eq!(drive(&inputs).0.status(), Status { mode: Mode::Live, since: Some(1_020) });
}

#[test]
fn old_data_is_not_called_polling_after_the_lid_was_shut() {
    let inputs = [(0, Tick), (10, Message), (3_600_000, Tick)];
    assert_eq!(drive(&inputs).0.status().mode, Mode::Offline);
}
