//! Connections of HTTP, through hyper with a timer: `axum::serve` sets no deadline for a request's head.

use super::deadline::Deadline;
use crate::places::Places;
use crate::tls::Tls;
use crate::transport::LogGate;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

/// How long the head of a request may take, the wait on a kept-alive connection included.
const HEAD: Duration = Duration::from_secs(8);
/// How long the other side may take no byte of an answer.
const WRITE: Duration = Duration::from_secs(10);
/// How large a head may be, in bytes.
const MAX_HEAD: usize = 16 * 1_024;
/// Connections at once, where there are files enough; more wait in the system's queue.
pub(crate) const MAX_CONNECTIONS: usize = 4_096;
/// Connections from one address at once. A guess: a browser opens six, and a few readers may share an address.
const PER_ADDRESS: usize = 64;

/// Serves `most` connections at once until the node ends, and then lets each finish its request.
/// `limit_loopback`: whether the limit for an address holds for this machine's own, too.
pub(crate) async fn serve(
    (listener, tls, limit_loopback): (TcpListener, Arc<Tls>, bool),
    most: usize,
    router: Router,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    let (places, mut log) = (Arc::new(Semaphore::new(most)), LogGate::default());
    let of_addresses = Places::new(PER_ADDRESS, limit_loopback);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                let Some(of_address) = of_addresses.take(from.ip()) else {
                    debug!(%from, "dropped: its address has {PER_ADDRESS} connections");
                    continue;
                };
                let connection = connection((stream, Arc::clone(&tls)), from, router.clone(), shutdown.clone());
                tasks.spawn(async move {
                    connection.await;
                    drop((place, of_address));
                });
            }
            Err(error) => {
                // Most often no file descriptor is left: others must be closed before accepting can go on.
                if let Some(withheld) = log.pass(Instant::now()) {
                    warn!(withheld, "a connection could not be accepted: {error}");
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    (stream, tls): (TcpStream, Arc<Tls>),
    from: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%from, "a connection was gone before it was served: {error}");
        return;
    }
    let carried = match shutdown.run_until_cancelled(timeout(HEAD, tls.accept(stream))).await {
        Some(Ok(Ok(carried))) => carried,
        Some(Ok(Err(error))) => return debug!(%from, "{error}"),
        Some(Err(_)) => return debug!(%from, "no TLS handshake within {} s", HEAD.as_secs()),
        None => return,
    };
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        request.map(axum::body::Body::new)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD);
    let io = TokioIo::new(Deadline::new(carried.bytes, WRITE));
    let served = builder.serve_connection(io, TowerToHyperService::new(service)).with_upgrades();
    tokio::pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        debug!(%from, "a connection ended: {error}");
    }
}
