//! Every setting, once: flag, environment variable, key in the file, default, range.

use super::parse;
use beauty::Origin;
use clap::{Args, Parser, Subcommand, ValueEnum};
use gossip::join::Secret;
use gossip::{Address, OriginId, Spot};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// One overview of everything, without a central server.
#[derive(Clone, Debug, Parser)]
#[command(name = "beauty-mesh", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run a node: serve the map and the API, and gossip with peers.
    #[command(after_help = AFTER_HELP)]
    Serve(Box<ServeArgs>),
    /// Look after what a node has kept. The node must not be running.
    Store(StoreArgs),
    /// The node's key.
    Identity(IdentityArgs),
}

/// What to do with a store.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// The node's configuration file, of which the data folder and the mesh are taken; without one, the platform's.
    #[arg(long, env = "FEDERATED_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// The node's data folder; without one, the platform's.
    #[arg(long, env = "FEDERATED_DATA_DIR", value_name = "FOLDER", global = true)]
    pub data_dir: Option<PathBuf>,

    /// The name of the mesh, for import: bundles are signed for one.
    #[arg(long, env = "FEDERATED_MESH", value_name = "NAME", default_value = "beauty", value_parser = parse::mesh,
          global = true)]
    pub mesh: String,

    /// What to do.
    #[command(subcommand)]
    pub deed: StoreDeed,
}

/// What can be done with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum StoreDeed {
    /// Read all of it, and say what is there and what is damaged.
    Check,
    /// Give the space of what is gone back to the disk.
    Compact,
    /// Write all bundles of events to the standard output, one JSON object a line, oldest first.
    Export,
    /// Take in bundles of events from the standard input, as export writes them.
    Import,
}

/// What to do with the key.
#[derive(Clone, Debug, Args)]
pub struct IdentityArgs {
    /// The node's configuration file, of which the data folder and the mesh are taken; without one, the platform's.
    #[arg(long, env = "FEDERATED_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// The node's data folder; without one, the platform's.
    #[arg(long, env = "FEDERATED_DATA_DIR", value_name = "FOLDER", global = true)]
    pub data_dir: Option<PathBuf>,

    /// The name of the mesh, for rotate: the change of a key is signed for one.
    #[arg(long, env = "FEDERATED_MESH", value_name = "NAME", default_value = "beauty", value_parser = parse::mesh,
          global = true)]
    pub mesh: String,

    /// What to do.
    #[command(subcommand)]
    pub deed: IdentityDeed,
}

/// What can be done with the key.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum IdentityDeed {
    /// Print the public key, by which others know this node.
    Show,
    /// Print the key file, secret key included: to move the node, not to copy it. Two nodes with one key are a cheat to all others.
    Export,
    /// Give the node a new key, and keep its name: the old key signs the new one, and the mesh follows. The node must not be running.
    /// Lists of keys that may join (FEDERATED_ALLOW) follow as well; put the new key, which is printed, on them when there is time.
    Rotate,
    /// Make a certificate that the node signs itself, and its key: tls.crt and tls.key in the data folder. The node need not have a key.
    Tls {
        /// The names and addresses by which browsers reach the node, comma-separated. Peers look at none of them.
        #[arg(long, value_name = "NAMES", default_value = "localhost,127.0.0.1,::1", value_delimiter = ',')]
        names: Vec<String>,
    },
}

const AFTER_HELP: &str = "\
Each setting is taken from its flag, else from its environment variable, else from the configuration file
(a TOML file, keys as the flags without dashes in front: node-id = \"alpha\"), else from its default.

Examples:
  A node by itself, fed by this host's calmness:
    beauty-mesh serve --enable 1 --source host
  A second one on the same machine, joined to the first:
    beauty-mesh serve --enable 1 --node-id beta --port 8092 --http 127.0.0.1:8081 --data-dir ./beta \\
      --peers ws://127.0.0.1:8091
  Tell it a score of your own:
    curl -d '{\"beauty\": 0.8, \"source\": \"mood\"}' http://127.0.0.1:8080/federated/events
  Then open http://127.0.0.1:8080/federated/map";

/// The settings of a node.
#[derive(Clone, Debug, Args)]
#[command(next_line_help = true)]
pub struct ServeArgs {
    /// The configuration file; without one, config.toml in the platform's configuration folder, if it is there.
    #[arg(long, env = "FEDERATED_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Federation: 1 gossips and answers the API; 0 serves the page only, and answers every API call with how to
    /// switch it on.
    #[arg(long, env = "FEDERATED_ENABLE", value_name = "0|1", default_value = "0", value_parser = parse::switch,
          action = clap::ArgAction::Set)]
    pub enable: bool,

    /// The node's name, 1 to 64 characters. Without one, a name is made at the first start and kept in the data folder.
    #[arg(long, env = "FEDERATED_NODE_ID", value_name = "NAME", value_parser = parse::origin)]
    pub node_id: Option<Origin>,

    /// The port for peers, 1 to 65535; 0 lets the system choose one.
    #[arg(long, env = "FEDERATED_PORT", value_name = "PORT", default_value = "8091", value_parser = parse::port)]
    pub port: u16,

    /// The address for peers. 0.0.0.0 or :: makes the node reachable from other machines.
    #[arg(long, env = "FEDERATED_BIND", value_name = "IP", default_value = "127.0.0.1", value_parser = parse::ip)]
    pub bind: IpAddr,

    /// An address may hold 8 connections at the port for peers and 64 at that of the page, and is banned if it breaks rules. 1 holds this
    /// machine's own addresses to that, too.
    #[arg(long, env = "FEDERATED_LIMIT_LOOPBACK", value_name = "0|1", default_value = "0", value_parser = parse::switch,
          action = clap::ArgAction::Set)]
    pub limit_loopback: bool,

    /// Bootstrap peers, comma-separated, as in ws://192.0.2.7:8091,wss://mesh.example:8091. They are dialled for ever.
    #[arg(long, env = "FEDERATED_PEERS", value_name = "ADDRESSES", default_value = "", value_parser = parse::peers)]
    pub peers: Peers,

    /// The address of the page and the API.
    #[arg(long, env = "LEPTOS_SITE_ADDR", value_name = "IP:PORT", default_value = "127.0.0.1:8080",
          value_parser = parse::socket)]
    pub http: SocketAddr,

    /// The folder for what must survive a restart; without one, the platform's data folder.
    #[arg(long, env = "FEDERATED_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// What this node measures by itself.
    #[arg(long, env = "FEDERATED_SOURCE", value_name = "SOURCE", default_value = "none")]
    pub source: Source,

    /// How long events count, from 1h to 366d.
    #[arg(long, env = "FEDERATED_RETENTION", value_name = "DURATION", default_value = "7d",
          value_parser = parse::retention)]
    pub retention: Duration,

    /// How much room bundles of events may take on disk, from 1MB to 1PB, as in 500MB or 2GiB. The oldest go first, but none
    /// of the last ten minutes; the map's buckets stay.
    #[arg(long, env = "FEDERATED_STORE_MAX", value_name = "SIZE", default_value = "4GB", value_parser = parse::size)]
    pub store_max: u64,

    /// The name of the mesh, 1 to 64 characters. Nodes of another mesh are not spoken with.
    #[arg(long, env = "FEDERATED_MESH", value_name = "NAME", default_value = "beauty", value_parser = parse::mesh)]
    pub mesh: String,

    /// A secret that all nodes of the mesh know, 16 to 512 bytes, drawn as by `openssl rand -hex 32`. Who can't prove to know it does
    /// not join. Better in the environment or in the file than in a flag, which other users of the machine can see.
    #[arg(long, env = "FEDERATED_SECRET", value_name = "SECRET", hide_env_values = true,
          value_parser = parse::secret)]
    pub secret: Option<Secret>,

    /// The public keys of the nodes and scripts that may join, comma-separated, as `beauty-mesh identity show` prints them.
    #[arg(long, env = "FEDERATED_ALLOW", value_name = "KEYS", value_parser = parse::allow)]
    pub allow: Option<Allow>,

    /// 1 signs each bundle a second time, by ML-DSA-65 (FIPS 204), whose key is made in the data folder. That can't be taken back:
    /// from then on other nodes take nothing of this one without, until it has a new key (`beauty-mesh identity rotate`).
    #[arg(long, env = "FEDERATED_PQ", value_name = "0|1", default_value = "0", value_parser = parse::switch,
          action = clap::ArgAction::Set)]
    pub pq: bool,

    /// Where this node is, in degrees north and east, as in 52.5,13.4 or -33.9,151.2: all nodes of the mesh show it on a map of the
    /// world. It leaves the node rounded to a tenth of a degree, 11 km. Without it nobody is told where the node is, and who was, is
    /// told that it is no longer so.
    #[arg(long, env = "FEDERATED_LOCATION", value_name = "LAT,LON", allow_hyphen_values = true, value_parser = parse::location)]
    pub location: Option<Spot>,

    /// The certificate that both ports show, with those that vouch for it, in PEM. With it they speak TLS 1.3 and nothing else, and
    /// peers dial wss://. It may be self-signed: peers trust each other by their keys.
    #[arg(long, env = "FEDERATED_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM.
    #[arg(long, env = "FEDERATED_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// What becomes of a script's events without a signature. accept takes them in: they go on in this node's own bundles,
    /// by which it vouches for them.
    #[arg(long, env = "FEDERATED_UNSIGNED", value_name = "POLICY", default_value = "reject")]
    pub unsigned: Unsigned,

    /// The bearer token that a POST of events must carry. Without one, they are taken from this machine only.
    #[arg(long, env = "FEDERATED_INGEST_TOKEN", value_name = "TOKEN", hide_env_values = true,
          value_parser = parse::token)]
    pub ingest_token: Option<String>,
}

/// Bootstrap addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers(pub Vec<Address>);

/// The keys that may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow(pub BTreeSet<OriginId>);

/// What a node measures by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// Nothing: events come from the API and from peers.
    None,
    /// This host's calmness, every 2 s.
    Host,
}

/// What becomes of events without a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unsigned {
    /// They are taken in.
    Accept,
    /// They are refused.
    Reject,
}
