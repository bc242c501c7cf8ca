//! How often an address may ask. Looked at before anything else of a request, a token included.
//!
//! A leaky bucket for each address, as the generic cell rate algorithm (ITU-T I.371) keeps one: the moment at which it will be
//! empty. An address whose moment has passed is as one that was never here.

use super::AppState;
use super::problem::HttpProblem;
use crate::ip::counted;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests a second that an address may go on with. Guesses, as the next: a page and its files are five at once, then none.
const PER_SECOND: u32 = 100;
/// Requests that it may have ahead.
const BURST: u32 = 300;
/// Addresses that are counted each for itself. Those beyond share one bucket, until others have fallen silent.
const ADDRESSES: usize = 4_096;
/// What one request fills in, and how full a bucket can be.
const REQUEST: Duration = Duration::from_nanos(1_000_000_000 / PER_SECOND as u64);
const FULL: Duration = Duration::from_millis(BURST as u64 * 1_000 / PER_SECOND as u64);

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    /// When each bucket is empty again.
    empty_at: HashMap<IpAddr, Instant>,
    others: Option<Instant>,
    swept: Option<Instant>,
}

impl Rates {
    /// Counts a request of this address. How long it should wait before the next, if it has asked too often.
    fn take(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let buckets = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.make_room(now);
        let address = counted(from);
        let empty_at = if buckets.empty_at.len() < ADDRESSES || buckets.empty_at.contains_key(&address) {
            buckets.empty_at.entry(address).or_insert(now)
        } else {
            buckets.others.get_or_insert(now)
        };
        let filled = (*empty_at).max(now) + REQUEST;
        let over = filled.saturating_duration_since(now + FULL);
        if over > Duration::ZERO {
            return Err(over);
        }
        *empty_at = filled;
        Ok(())
    }
}

impl Buckets {
    /// Forgets whose bucket is empty, where there is hardly room for others; at most once a second.
    fn make_room(&mut self, now: Instant) {
        let rested = self.swept.is_none_or(|swept| now.duration_since(swept) >= Duration::from_secs(1));
        if self.empty_at.len() >= ADDRESSES && rested {
            self.empty_at.retain(|_, empty_at| *empty_at > now);
            self.swept = Some(now);
        }
    }
}

/// Answers who asks too often.
pub(super) async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip().to_canonical());
    let from = from.filter(|from| state.limit_loopback || !from.is_loopback());
    match from.map(|from| state.rates.take(from, Instant::now())) {
        Some(Err(wait)) => too_often(wait),
        Some(Ok(())) | None => next.run(request).await,
    }
}

fn too_often(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let detail = format!(
        "an address may ask {PER_SECOND} times a second, and {BURST} times at once; wait {seconds} s, and send events in lists"
    );
    let problem = HttpProblem::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "Too many requests", detail);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    /// How many of so many requests in one moment pass.
    fn passed(rates: &Rates, from: IpAddr, now: Instant, asked: usize) -> usize {
        (0..asked).filter(|_| rates.take(from, now).is_ok()).count()
    }

    #[test]
    fn an_address_may_ask_in_bursts_and_then_at_its_rate() {
        let (rates, start) = (Rates::default(), Instant::now());
        assert_eq!(passed(&rates, v4(1), start, 1_000), BURST as usize);
        assert_eq!(passed(&rates, v4(2), start, 1_000), BURST as usize, "another address has its own");
        let wait = rates.take(v4(1), start).unwrap_err();
        assert!(rates.take(v4(1), start + wait).is_ok(), "what is told to wait for is enough");
        let later = start + wait + Duration::from_secs(1);
        assert_eq!(passed(&rates, v4(1), later, 1_000), PER_SECOND as usize);
        let rested = later + Duration::from_secs(60);
        assert_eq!(passed(&rates, v4(1), rested, 1_000), BURST as usize, "no more than a burst is saved up");
    }

    #[test]
    fn ever_new_addresses_take_no_more_room_and_slow_nobody_who_was_here() {
        let (rates, start) = (Rates::default(), Instant::now());
        assert!(rates.take(v4(0), start).is_ok());
        let strangers: usize = (1..100_000).map(|n| passed(&rates, v4(n), start, 1)).sum();
        assert_eq!(strangers, ADDRESSES - 1 + BURST as usize, "those beyond share one bucket");
        assert_eq!(rates.0.lock().unwrap().empty_at.len(), ADDRESSES);
        assert!(rates.take(v4(0), start).is_ok());
        let later = start + Duration::from_secs(2);
        assert_eq!(passed(&rates, v4(99_999), later, 1_000), BURST as usize, "who has fallen silent is forgotten");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (rates, now) = (Rates::default(), Instant::now());
        let all: usize = (0..1_000).map(|n| passed(&rates, format!("2001:db8::{n:x}").parse().unwrap(), now, 1)).sum();
        assert_eq!(all, BURST as usize);
    }
}
