//! From settings to a running node, and to its end.

use crate::clock;
use crate::config::{ServeArgs, Source};
use crate::descriptors;
use crate::folder::data_folder;
use crate::http::{self, AppState, Token};
use crate::identity;
use crate::name;
use crate::node::{self, COUNTED, Driver, Failure, Node, RestoreError, Restored, Room, Shared, Verifier, restore};
use crate::profiles::{self, ProfileError, ProfileFile};
use crate::rotations::{self, RotationError, RotationFile};
use crate::sources::{HostSource, NoSource};
use crate::tls::{Tls, TlsError};
use crate::transport;
use beauty::{LedgerConfig, Origin};
use gossip::join::Terms;
use gossip::{Address, InstanceId, Keypair, Me, OriginId, Profile, Rotation, Rotations, State};
use leptos::config::{LeptosOptions, get_configuration};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use uuid::Uuid;

/// How long the end may take.
const GRACE: Duration = Duration::from_millis(1_500);

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or an address is not this machine's.
    #[error("{what} can't listen on {address} ({setting}): {why}")]
    Listen {
        /// The page and the API, or the port for peers.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The setting that says so.
        setting: &'static str,
        /// What the system says.
        why: std::io::Error,
    },
    /// Leptos.toml can't be worked with.
    #[error("Leptos.toml can't be read: {0}")]
    Leptos(String),
    /// The platform names no data folder.
    #[error("this system names no folder for data; set FEDERATED_DATA_DIR (--data-dir)")]
    NoDataDir,
    /// The name of the node.
    #[error(transparent)]
    Name(#[from] name::NameError),
    /// The node's key.
    #[error(transparent)]
    Identity(#[from] identity::IdentityError),
    /// What a node can't go on after.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// What the store holds.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// What is known of changed keys.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// What is known of origins that sign twice, or what this node declares.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The source.
    #[error(transparent)]
    Source(#[from] NoSource),
    /// A bound that settings have led to.
    #[error("{0}")]
    Bounds(String),
}

/// Where a node listens, for whoever chose port 0.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The page and the API.
    pub http: SocketAddr,
    /// Peers; `None` while federation is off.
    pub peers: Option<SocketAddr>,
}

/// Runs a node until `shutdown`, and ends it within two seconds. `ready` learns the ports once both are open.
///
/// # Errors
/// Whatever keeps it from starting; once it runs, a disk that fails.
pub async fn run(
    args: ServeArgs,
    ready: oneshot::Sender<Ports>,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let files = descriptors::raise();
    let source = if args.enable && args.source == Source::Host { Some(HostSource::open()?) } else { None };
    let tls = Arc::new(Tls::load(args.tls_cert.as_deref(), args.tls_key.as_deref())?);
    let http_listener = listen(args.http, "the page", "LEPTOS_SITE_ADDR, --http").await?;
    let peer_listener = match args.enable {
        true => Some(listen((args.bind, args.port).into(), "the mesh", "FEDERATED_BIND and FEDERATED_PORT").await?),
        false => None,
    };
    let (name, key) = (node_name(&args)?, node_key(&args)?);
    let ports = Ports {
        http: address(&http_listener, args.http),
        peers: peer_listener.as_ref().map(|l| address(l, (args.bind, args.port).into())),
    };
    let tasks = TaskTracker::new();
    let ledger = LedgerConfig { retention: args.retention, future_tolerance: COUNTED, ..LedgerConfig::default() };
    ledger.validate().map_err(|error| StartError::Bounds(error.to_string()))?;
    let public_key = key.origin();
    let folder = kept_in(&args)?;
    let rotations = folder.as_deref().map_or(Ok(Vec::new()), |folder| rotations::read(folder, &args.mesh))?;
    let file = RotationFile::new(folder.clone(), &rotations);
    let who = (public_key, name.clone(), rotations);
    let Restored { ledger, names, known, begin } = restored(&args, folder.clone(), who, ledger).await?;
    let newest = begin.newest(public_key);
    let declared = folder.as_deref().map_or(Ok(Vec::new()), |folder| declared(folder, &args.mesh, &key, newest))?;
    let profiles = ProfileFile::new(folder, public_key, &declared);
    let begin = begin.with(declared);
    let terms = terms(&args, key.clone(), file.known());
    let state = protocol(&args, &name, key, (ports.peers, tls.listens(), known))?;
    let shared =
        Shared::new(name.clone(), public_key, (ledger, names), (state, file, profiles)).of_mesh(args.mesh.clone());
    let shared = Arc::new(shared);
    let (commands, received) = mpsc::channel(node::COMMANDS);
    let node = Node::new(Arc::clone(&shared), commands.clone());

    let context = transport::Context {
        commands,
        node: Arc::clone(&shared),
        verifier: Verifier::new(Arc::clone(&shared), args.unsigned, &args.mesh),
        packing: Arc::default(),
        uplink: Arc::default(),
        budgets: Arc::new(transport::Budgets::new(args.limit_loopback)),
        refusals: Arc::new(transport::SharedGate::new(node::LINES_OF_REFUSALS)),
        entry: Arc::new(transport::Entry {
            tls: Arc::clone(&tls),
            terms: terms.clone(),
            rotations: Arc::clone(&shared.rotations),
            turned_away: Arc::clone(&shared.turned_away),
        }),
        tasks: tasks.clone(),
        // Cancelled by the driver when it has sent its last.
        shutdown: CancellationToken::new(),
        next_peer: Arc::new(AtomicU64::new(0)),
    };
    let driver = Driver::new(shared, context.clone(), begin);
    let mut driver = tasks.spawn(driver.run(received, shutdown.clone()));
    if let Some(listener) = peer_listener {
        tasks.spawn(transport::listen(context, listener, args.limit_loopback));
    }
    if let Some(source) = source {
        tasks.spawn(source.run(node.clone(), shutdown.clone()));
    }
    let token = args.ingest_token.as_deref().map(|token| Token::new(token, rand::random()));
    let lifetime = (tasks.clone(), shutdown.clone());
    let state = AppState::new(node, (args.enable, token), args.limit_loopback, leptos_options(ports.http)?, lifetime);
    tasks.spawn(http::serve(
        (http_listener, Arc::clone(&tls), args.limit_loopback),
        connections(files),
        http::router(state),
        tasks.clone(),
        shutdown.clone(),
    ));

    greet(&args, (&name, ports), &terms, tls.listens());
    // Whoever started the node may not care.
    let _ = ready.send(ports);
    let outcome = tokio::select! {
        outcome = &mut driver => Some(outcome),
        () = shutdown.cancelled() => None,
    };
    // A driver that ends by itself takes the node along.
    shutdown.cancel();
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        warn!("{} tasks did not end in time and are cut off", tasks.len());
    }
    let outcome = match outcome {
        None if driver.is_finished() => Some(driver.await),
        outcome => outcome,
    };
    // A driver that is cut off leaves a store that the next start finds as after a crash.
    Ok(outcome.and_then(Result::ok).unwrap_or(Ok(()))?)
}

/// The folder in which all is kept. While federation is off, nothing is.
fn kept_in(args: &ServeArgs) -> Result<Option<PathBuf>, StartError> {
    let folder = || data_folder(args.data_dir.as_ref()).ok_or(StartError::NoDataDir);
    args.enable.then(folder).transpose()
}

/// What origins have declared, this one included: it does so before it signs anything.
fn declared(folder: &Path, mesh: &str, key: &Keypair, newest: u64) -> Result<Vec<Arc<Profile>>, ProfileError> {
    let mut known = profiles::read(folder, mesh)?;
    let now = clock::wall().as_millis().saturating_mul(1_000);
    profiles::declare(folder, mesh, key, (newest, now), &mut known)?;
    Ok(known)
}

/// What the store in the data folder holds.
async fn restored(
    args: &ServeArgs,
    folder: Option<PathBuf>,
    (key, name, rotations): (OriginId, Origin, Vec<Rotation>),
    ledger: LedgerConfig,
) -> Result<Restored, StartError> {
    let room = Room { retention: args.retention, max_bytes: args.store_max };
    let mesh = args.mesh.clone();
    let open = move || Ok(restore((folder.as_deref(), &mesh), ledger, (key, &name, rotations), room)?);
    // It fails only where it panics, which it does nowhere: what redb does is guarded.
    tokio::task::spawn_blocking(open).await.unwrap_or_else(|error| Err(StartError::Bounds(error.to_string())))
}

/// The state machine, with chance of its own.
fn protocol(
    args: &ServeArgs,
    name: &Origin,
    key: Keypair,
    (peers, tls, known): (Option<SocketAddr>, bool, Vec<Address>),
) -> Result<State, StartError> {
    let bootstrap = if args.enable { args.peers.0.clone() } else { Vec::new() };
    let (mesh, retention) = (args.mesh.clone(), args.retention);
    let bans_loopback = args.limit_loopback;
    let location = args.location;
    let config =
        gossip::Config { mesh, tls, bootstrap, known, retention, bans_loopback, location, ..gossip::Config::default() };
    config.validate().map_err(|error| StartError::Bounds(error.to_string()))?;
    let me = Me {
        node_id: name.to_string(),
        instance: InstanceId(Uuid::new_v4()),
        origin: key.origin(),
        key: Some(key),
        port: peers.map_or(0, |peers| peers.port()),
        epoch_micros: clock::wall().as_millis().saturating_mul(1_000),
    };
    Ok(State::new(config, me, ChaCha8Rng::from_seed(rand::random())))
}

/// On which terms one joins.
fn terms(args: &ServeArgs, key: Keypair, rotations: Arc<Rotations>) -> Terms {
    let allow = args.allow.as_ref().map(|allow| Arc::new(allow.0.clone()));
    Terms { mesh: args.mesh.clone(), key, secret: args.secret.clone(), allow, rotations }
}

fn node_name(args: &ServeArgs) -> Result<Origin, StartError> {
    if let Some(name) = &args.node_id {
        return Ok(name.clone());
    }
    let folder = data_folder(args.data_dir.as_ref()).ok_or(StartError::NoDataDir)?;
    Ok(name::kept(&folder)?)
}

/// The node's key. While federation is off nothing is signed, and nothing is left on the disk.
fn node_key(args: &ServeArgs) -> Result<Keypair, StartError> {
    if !args.enable {
        return Ok(Keypair::from_seed(&rand::random()));
    }
    let folder = data_folder(args.data_dir.as_ref()).ok_or(StartError::NoDataDir)?;
    let key = identity::kept(&folder)?;
    Ok(match identity::second(&folder, args.pq)? {
        Some(second) => key.with_second(second),
        None => key,
    })
}

/// How many connections of HTTP are served at once, where the system lets this process have so many files open.
fn connections(files: u64) -> usize {
    let most = descriptors::share_of_http(files, http::MAX_CONNECTIONS);
    if most < http::MAX_CONNECTIONS {
        warn!(
            "the system lets this process have {files} files open, so the page has {most} connections at once instead of {}; \
             `ulimit -n`, or LimitNOFILE of systemd, gives more",
            http::MAX_CONNECTIONS
        );
    }
    most
}

/// What the page is built with: Leptos.toml, or its defaults where there is none.
fn leptos_options(http: SocketAddr) -> Result<LeptosOptions, StartError> {
    let mut options = if Path::new("Leptos.toml").exists() {
        get_configuration(Some("Leptos.toml")).map_err(|error| StartError::Leptos(error.to_string()))?.leptos_options
    } else {
        LeptosOptions::builder().output_name("beauty-mesh").site_root("target/site").hash_files(true).build()
    };
    options.site_addr = http;
    // Leptos panics at each page where hashed names are asked for and the list of them is not beside the binary.
    if options.hash_files && !hash_file(&options).is_some_and(|file| file.exists()) {
        warn!(
            "{} is not beside the binary: the page comes without style and script; `make build` builds them",
            options.hash_file
        );
        options.hash_files = false;
    }
    Ok(options)
}

fn hash_file(options: &LeptosOptions) -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join(&*options.hash_file))
}

async fn listen(at: SocketAddr, what: &'static str, setting: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(at).await.map_err(|why| StartError::Listen { what, address: at, setting, why })
}

fn address(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

fn greet(args: &ServeArgs, (name, ports): (&Origin, Ports), terms: &Terms, tls: bool) {
    let [web, mesh] = if tls { ["https", "wss"] } else { ["http", "ws"] };
    info!("{name}: the map is at {web}://{}/federated/map", ports.http);
    match ports.peers {
        None => info!("{name}: federation is off; FEDERATED_ENABLE=1 (--enable 1) switches it on"),
        Some(at) if at.ip().is_loopback() => {
            info!("{name}: peers of this machine connect to {mesh}://{at}; FEDERATED_BIND=0.0.0.0 lets others in too");
        }
        Some(at) => {
            info!("{name}: peers connect to {mesh}://{at}");
            if terms.is_open() {
                warn!(
                    "the mesh is open: whoever reaches {at} can join with a key of its own; FEDERATED_SECRET or \
                     FEDERATED_ALLOW keeps strangers out"
                );
            }
        }
    }
    if let Some(spot) = args.location.filter(|_| ports.peers.is_some()) {
        info!("the mesh is told that this node is at {:.1}, {:.1}", spot.latitude(), spot.longitude());
    }
    if !terms.allows(&terms.key.origin(), &[]) {
        let key = hex::encode(terms.key.origin().0);
        warn!("this node's own key, {key}, is not in FEDERATED_ALLOW: nodes with the same list will turn it away");
    }
    if args.ingest_token.is_none() && !ports.http.ip().is_loopback() {
        info!("{name}: events are taken from this machine only; FEDERATED_INGEST_TOKEN lets others post");
    }
}
