//! Who is connected.

use crate::api::{Direction, Peer, PeerState, Snapshot};
use crate::format;
use leptos::prelude::*;

/// The connected peers, in the order in which the node names them.
#[component]
pub(crate) fn Peers(
    /// What the page shows.
    snapshot: ReadSignal<Snapshot>,
) -> impl IntoView {
    let lines = move || {
        let Snapshot { health, network, .. } = &*snapshot.read();
        network.peers.iter().map(|peer| line(peer, health.now)).collect_view()
    };
    let none = move || snapshot.read().network.peers.is_empty();
    view! {
        <section aria-labelledby="peers-heading">
            <h2 id="peers-heading">"Peers"</h2>
            <div class="scroll" class:hidden=none role="region" aria-labelledby="peers-heading" tabindex="0">
                <table class="peers" data-testid="peers">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col" class="wide-only">"Link"</th>
                            <th scope="col">"Round trip"</th>
                            <th scope="col" class="wide-only">"Sent / received"</th>
                            <th scope="col">"Its events"</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
            <p class="note" class:hidden=move || !none()>
                "No peers are connected. Nodes named in " <code>"FEDERATED_PEERS"</code> " are dialled until they answer."
            </p>
        </section>
    }
    .into_any()
}

/// A peer in a row. The times are by the node's clock, as it was when it told them.
fn line(peer: &Peer, now: u64) -> impl IntoView + use<> {
    let test_id = format!("peer-{}", peer.node_id.as_ref().unwrap_or(&peer.address));
    view! {
        <tr data-testid=test_id>
            <th scope="row">
                <span>{peer.node_id.clone().unwrap_or_else(|| "unnamed".to_owned())}</span>
                <span class="detail">{peer.address.clone()}</span>
            </th>
            <td class="wide-only">
                <span>{link(peer)}</span>
                <span class="detail">{format!("for {}", age(peer.since, now))}</span>
            </td>
            <td>
                <span>{peer.rtt_ms.map_or_else(|| format::NOTHING.to_owned(), format::milliseconds)}</span>
                <span class="detail">{format!("heard {} ago", age(peer.last_seen, now))}</span>
            </td>
            <td class="wide-only">{format!("{} / {}", format::count(peer.sent), format::count(peer.received))}</td>
            <td>{agreement(peer.in_sync)}</td>
        </tr>
    }
}

fn link(peer: &Peer) -> &'static str {
    match (peer.state, peer.direction) {
        (PeerState::Connecting, _) => "connecting",
        (PeerState::Connected, Direction::Inbound) => "it called us",
        (PeerState::Connected, Direction::Outbound) => "we called it",
    }
}

fn agreement(in_sync: Option<bool>) -> &'static str {
    match in_sync {
        Some(true) => "the same as ours",
        Some(false) => "not yet ours",
        None => format::NOTHING,
    }
}

/// How long ago that was, by the node's clock.
fn age(at: u64, now: u64) -> String {
    format::duration(now.saturating_sub(at) / 1_000)
}
