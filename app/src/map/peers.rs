//! Who is connected: a table that can be sorted.

use super::doubtful::Doubtful;
use super::heading::heading_of_now;
use super::roster::{Column, Health, Line, Order, lines};
use crate::api::{Cheat, Direction, Peer, PeerState, Snapshot};
use crate::choice::Choice;
use crate::part::{IntoPart, flag, text};
use crate::place::{Place, use_place};
use crate::words::{Language, NOTHING, ReadersZone, each, isolated, td_string, use_language};
use leptos::prelude::*;

/// The connected peers, and those whose connection broke in the last day.
#[component]
pub(crate) fn Peers(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
    /// What the reader has chosen.
    choice: Memo<Choice>,
    /// The zone that times are told in.
    zone: ReadersZone,
) -> impl IntoView {
    let language = use_language();
    let place = use_place();
    let rows = move || {
        let snapshot = snapshot.read();
        let lines = lines(&snapshot, choice.read().order);
        lines.iter().map(|line| row(line, snapshot.health.now, language)).collect_view()
    };
    let none = move || snapshot.with(|snapshot| snapshot.network.peers.is_empty() && snapshot.network.gone.is_empty());
    let nobody_cheats = move || snapshot.read().network.cheats.is_empty();
    let cheaters = move || td_string!(language, peers.cheaters, names = cheaters(&snapshot.read().network.cheats));
    view! {
        <section aria-labelledby="peers-heading">
            {heading_of_now("peers-heading", td_string!(language, peers.title), snapshot)}
            <div class="scroll" class:hidden=flag(none) role="group" aria-labelledby="peers-heading" tabindex="0">
                <table class="peers" data-testid="peers">
                    <thead>
                        <tr>
                            {Column::ALL
                                .into_iter()
                                .zip(each!(language, peers: name, state, link, round_trip, traffic, redundancy, last_event, agreement))
                                .map(|(column, name)| heading(column, name, (place, choice), language))
                                .collect_view()}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="note" class:hidden=flag(move || !none())>
                {td_string!(language, peers.none_before)}
                " "
                <code>"FEDERATED_PEERS"</code>
                " "
                {td_string!(language, peers.none_after)}
            </p>
            <Doubtful snapshot zone />
            <p class="note" class:hidden=flag(nobody_cheats) data-testid="cheats">
                {text(cheaters)}
                " "
                <code>"/federated/cheats"</code>
            </p>
        </section>
    }
    .into_part()
}

/// A column's name, which sorts by it.
fn heading(
    column: Column,
    name: &'static str,
    (place, choice): (Place, Memo<Choice>),
    language: Language,
) -> impl IntoView {
    let sorted = move || {
        let Order { column: by, backwards } = choice.read().order;
        match (by == column, backwards) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
        .to_owned()
    };
    view! {
        <th scope="col" class:wide-only=is_wide(column) aria-sort=text(sorted)>
            <button
                type="button"
                title=td_string!(language, peers.sort_by, column = name)
                on:click=move |_| place.keep(choice, |choice| choice.order = choice.order.clicked(column))
            >
                {name}
            </button>
        </th>
    }
}

/// Whether a column is left out on a narrow screen.
fn is_wide(column: Column) -> bool {
    matches!(column, Column::Link | Column::Frames | Column::Redundancy | Column::LastEvent)
}

/// A peer in a row. The times are by the node's clock, as it was when it told them.
fn row(line: &Line, now: u64, language: Language) -> impl IntoView + use<> {
    let Line { peer, health, last_event, cheats } = line;
    let age = |at: u64| language.duration(now.saturating_sub(at) / 1_000);
    let offline = *health == Health::Offline;
    let name = peer.node_id.as_ref().unwrap_or(&peer.address);
    let test_id = format!("{}-{name}", if offline { "gone" } else { "peer" });
    let state = if peer.state == PeerState::Connecting {
        td_string!(language, peers.connecting)
    } else {
        each!(language, peers: live, stale, offline)[*health as usize]
    };
    let linked = if offline { String::new() } else { td_string!(language, peers.linked_for, span = age(peer.since)) };
    let again = td_string!(
        language,
        peers.again,
        known = language.count(peer.duplicates),
        all = language.count(peer.learned + peer.duplicates)
    );
    view! {
        <tr data-testid=test_id data-health=word(*health)>
            <th scope="row">
                <span>{peer.node_id.clone().unwrap_or_else(|| td_string!(language, peers.unnamed).to_owned())}</span>
                <span class="detail">{peer.address.clone()}</span>
                {cheats.then(|| view! { <span class="detail">{td_string!(language, peers.cheats)}</span> })}
            </th>
            <td class="peer-state">{state}</td>
            <td class="wide-only">
                <span>{link(peer, language)}</span>
                <span class="detail">{linked}</span>
            </td>
            <td>
                <span>{peer.rtt_ms.map_or_else(|| NOTHING.to_owned(), |rtt| language.milliseconds(rtt))}</span>
                <span class="detail">{td_string!(language, peers.heard_ago, span = age(peer.last_seen))}</span>
            </td>
            <td class="wide-only">{format!("{} / {}", language.count(peer.sent), language.count(peer.received))}</td>
            <td class="wide-only">
                <span>{peer.redundancy.map_or_else(|| NOTHING.to_owned(), |times| language.fixed(times, 2))}</span>
                <span class="detail">{again}</span>
            </td>
            <td class="wide-only">{last_event.map_or_else(|| NOTHING.to_owned(), |at| td_string!(language, peers.ago, span = age(at)))}</td>
            <td>{agreement(peer.in_sync, language)}</td>
        </tr>
    }
}

/// Who has signed two different bundles under one number: by name, or where there is none, by the beginning of the key.
fn cheaters(cheats: &[Cheat]) -> String {
    let name = |cheat: &Cheat| {
        let key = || format!("{}…", cheat.public_key.chars().take(8).collect::<String>());
        cheat.node_id.as_deref().map_or_else(key, isolated)
    };
    cheats.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// As the style sheet knows it.
fn word(health: Health) -> &'static str {
    match health {
        Health::Live => "live",
        Health::Stale => "stale",
        Health::Offline => "offline",
    }
}

fn link(peer: &Peer, language: Language) -> &'static str {
    match (peer.state, peer.direction) {
        (PeerState::Connecting, _) => td_string!(language, peers.connecting),
        (PeerState::Connected, Direction::Inbound) => td_string!(language, peers.called_us),
        (PeerState::Connected, Direction::Outbound) => td_string!(language, peers.we_called),
    }
}

fn agreement(in_sync: Option<bool>, language: Language) -> &'static str {
    match in_sync {
        Some(true) => td_string!(language, peers.same_as_ours),
        Some(false) => td_string!(language, peers.not_ours),
        None => NOTHING,
    }
}
