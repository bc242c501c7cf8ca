//! `mesh-sim`: plays scenarios, and prints what they come to.

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use simulator::chaos::{self, Trial};
use simulator::plot;
use simulator::protocol::Protocol;
use simulator::protocols;
use simulator::runner::{self, Progress};
use simulator::scenario::{self, CATALOGUE, Scenario};
use simulator::stats;
use simulator::summary::Summary;
use simulator::table::{self, Entry};
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A run is messages that come and go by the million: with this allocator, and with gossip and simulator as one unit of
/// code each, 3,000 nodes took 66 s instead of 97.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How often a long run says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(5);

#[derive(Parser)]
#[command(name = "mesh-sim", version, about = "Gossip protocols side by side on one simulated network")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List scenarios and protocols
    List,
    /// Print a scenario as TOML
    Show {
        /// A name from the list, or a file
        scenario: String,
    },
    /// Play a scenario once
    Run {
        /// A name from the list, or a file
        scenario: String,
        /// From which everything random follows
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Which protocol
        #[arg(long, default_value = "trees")]
        protocol: String,
        /// Print everything as JSON, each broadcast included
        #[arg(long)]
        json: bool,
    },
    /// Play scenarios with every protocol, and print one table
    Compare {
        /// Names from the list, or files; default: those of 100 and 1,000 nodes on links of 10-50 ms
        scenarios: Vec<String>,
        /// A seed, or a range with both ends: 0-3
        #[arg(long, default_value = "0-3", value_parser = parse_seeds)]
        seeds: Seeds,
        /// Which protocols, separated by commas; default: all but fixed
        #[arg(long, value_delimiter = ',')]
        protocols: Vec<String>,
        /// Print everything as JSON
        #[arg(long)]
        json: bool,
        /// Write everything as JSON to this file as well
        #[arg(long)]
        save: Option<PathBuf>,
    },
    /// Draw what `compare` wrote as JSON, as an SVG picture
    Plot {
        /// The file
        comparison: PathBuf,
        /// Which scenarios; default: all in it
        scenarios: Vec<String>,
    },
    /// Play meshes in which everybody sends while faults come and go, and check what is promised
    Chaos {
        /// A seed, or a range with both ends: 0-199
        #[arg(long, visible_alias = "seed", default_value = "0-199", value_parser = parse_seeds)]
        seeds: Seeds,
        /// Which meshes
        #[arg(long, value_enum, default_value_t)]
        trial: Kind,
        /// Print what happens, as a scenario, instead of playing it
        #[arg(long)]
        show: bool,
        /// How many are played at once; default: one on each core
        #[arg(long)]
        jobs: Option<usize>,
    },
}

/// The trials, by the names that the command line has for them.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Kind {
    /// Everybody sends, while faults come and go
    #[default]
    Chaos,
    /// Everybody sends, on good links
    Calm,
    /// Nobody answers a node for twenty minutes
    Outage,
    /// A node uses numbers twice: its disk is lost, and its clock goes back
    Repeat,
}

impl Kind {
    fn trial(self) -> Trial {
        match self {
            Kind::Chaos => Trial::Chaos,
            Kind::Calm => Trial::Calm,
            Kind::Outage => Trial::Outage,
            Kind::Repeat => Trial::Repeat,
        }
    }
}

#[derive(Clone, Copy)]
struct Seeds {
    first: u64,
    last: u64,
}

fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number =
        |text: &str| text.parse::<u64>().map_err(|_| "seeds are a number, as 7, or a range, as 0-3".to_owned());
    let seeds = Seeds { first: number(first)?, last: number(last)? };
    if seeds.first <= seeds.last { Ok(seeds) } else { Err("a range of seeds begins with the smaller one".to_owned()) }
}

fn main() -> ExitCode {
    match execute(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mesh-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Box<dyn Error>> {
    let text = match command {
        Command::Chaos { seeds, trial, show: true, .. } => trial.trial().draw(seeds.first).to_string(),
        Command::Chaos { seeds, trial, jobs, .. } => play_chaos(trial.trial(), seeds, jobs)?,
        Command::List => list()?,
        Command::Show { scenario } => scenario::load(&scenario)?.to_string(),
        Command::Run { scenario, seed, protocol, json } => {
            let scenario = scenario::load(&scenario)?;
            let protocol = choose(&[protocol])?;
            let summary = play(&scenario, &**protocol.first().ok_or("no protocol")?, seed)?;
            if json { serde_json::to_string_pretty(&summary)? + "\n" } else { describe(&summary) }
        }
        Command::Plot { comparison, scenarios } => {
            let json = std::fs::read_to_string(&comparison).map_err(|error| about_file(&comparison, &error))?;
            plot::draw(&json, &scenarios)?
        }
        Command::Compare { scenarios, seeds, protocols, json, save } => {
            let entries = compare(scenarios, seeds, &choose(&protocols)?)?;
            if let Some(file) = save {
                std::fs::write(&file, serde_json::to_string(&entries)?).map_err(|error| about_file(&file, &error))?;
            }
            if json { serde_json::to_string_pretty(&entries)? + "\n" } else { table::render(&entries) }
        }
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

fn about_file(file: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}

fn list() -> Result<String, Box<dyn Error>> {
    let mut text = "Scenarios\n".to_owned();
    for (name, toml) in CATALOGUE {
        text += &format!("  {name:<22} {}\n", Scenario::parse(toml)?.about);
    }
    text += "Protocols\n";
    text.extend(protocols::all().iter().map(|protocol| format!("  {:<22} {}\n", protocol.name(), protocol.about())));
    Ok(text)
}

/// The protocols of these names; all but the last, if there are none.
fn choose(names: &[String]) -> Result<Vec<Box<dyn Protocol>>, String> {
    let mut all = protocols::all();
    let known: Vec<&str> = all.iter().map(|protocol| protocol.name()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("there is no protocol {name:?}; there are {}", known.join(", ")));
    }
    if names.is_empty() {
        all.pop();
    } else {
        all.retain(|protocol| names.iter().any(|name| name == protocol.name()));
    }
    Ok(all)
}

fn compare(names: Vec<String>, seeds: Seeds, protocols: &[Box<dyn Protocol>]) -> Result<Vec<Entry>, Box<dyn Error>> {
    let names =
        if names.is_empty() { ["all-send-100", "warm-1000", "fresh-1000"].map(str::to_owned).to_vec() } else { names };
    let scenarios = names.iter().map(|name| scenario::load(name)).collect::<Result<Vec<_>, _>>()?;
    let seeds: Vec<u64> = (seeds.first..=seeds.last).collect();
    let mut entries = Vec::new();
    for scenario in &scenarios {
        for protocol in protocols {
            let runs = seeds.iter().map(|seed| play(scenario, &**protocol, *seed)).collect::<Result<_, _>>()?;
            entries.push(Entry::new(&scenario.name, protocol.name(), seeds.clone(), runs));
        }
    }
    Ok(entries)
}

/// Plays, and says on the standard error how far it is when that takes long.
fn play(scenario: &Scenario, protocol: &dyn Protocol, seed: u64) -> Result<Summary, runner::Unfit> {
    let began = Instant::now();
    let mut reported = began;
    let name = format!("{}, {}, seed {seed}", scenario.name, protocol.name());
    let mut progress = |Progress { done, of, what }: Progress| {
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let _ = writeln!(std::io::stderr(), "{name}: {done} of {of} {what}");
        }
    };
    let summary = runner::run(scenario, protocol, seed, &mut progress)?;
    let _ =
        writeln!(std::io::stderr(), "{name}: {:.1} s, trace {}", began.elapsed().as_secs_f64(), &summary.trace[..16]);
    Ok(summary)
}

/// Plays all seeds, says at once which fail and how to replay each, and sums up.
fn play_chaos(trial: Trial, seeds: Seeds, jobs: Option<usize>) -> Result<String, Box<dyn Error>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (all, began) = (seeds.last - seeds.first + 1, Instant::now());
    let (mut done, mut failed, mut reported, mut healed) = (0, 0, began, Vec::new());
    let protocol = || -> Box<dyn Protocol> { Box::new(protocols::Ours::watched()) };
    chaos::run_many(trial, seeds.first..=seeds.last, jobs.unwrap_or(cores).max(1), protocol, |report| {
        done += 1;
        healed.extend(report.healed_after.map(|after| after.as_millis() as u64));
        let mut error = std::io::stderr();
        if !report.violations.is_empty() {
            failed += 1;
            let lines = report.violations.iter().map(|violation| format!("  {violation}\n")).collect::<String>();
            let _ = write!(error, "seed {0} failed; replay it with: mesh-sim chaos --seed {0}\n{lines}", report.seed);
        }
        if all == 1 {
            let _ = writeln!(error, "trace {}", report.trace);
        }
        if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            let _ = writeln!(error, "chaos: {done} of {all} seeds, {failed} failed");
        }
    });
    healed.sort_unstable();
    let after = |percent| stats::percentile(&healed, percent).map_or("-".to_owned(), |ms| format!("{ms} ms"));
    let text = format!(
        "chaos: {all} seeds, {failed} failed, {:.1} s; equal after the faults' end: p50 {}, p99 {}, last {}\n",
        began.elapsed().as_secs_f64(),
        after(50),
        after(99),
        after(100),
    );
    if failed == 0 { Ok(text) } else { Err(text.trim_end().into()) }
}

/// One run's figures, a line each.
fn describe(summary: &Summary) -> String {
    let figure = |name: &str, value: Option<f64>| match value {
        Some(value) => format!("{name:<42} {value:.3}\n"),
        None => format!("{name:<42} -\n"),
    };
    let count = |name: &str, value: u64| format!("{name:<42} {value}\n");
    [
        count("broadcasts counted", summary.broadcasts as u64),
        count("deliveries", summary.deliveries),
        figure("RMR", summary.rmr),
        figure("control frames per delivery", summary.control_frames),
        figure("control bytes per delivery", summary.control_bytes),
        figure("payload bytes per delivery", summary.payload_bytes),
        figure("last hop, mean", summary.last_hop),
        figure("delivery p50, ms", summary.p50_ms),
        figure("delivery p99, ms", summary.p99_ms),
        figure("last delivery, mean, ms", summary.last_ms),
        figure("last delivery, worst, ms", summary.worst_ms),
        figure("the bound's last delivery, mean, ms", summary.bound_ms),
        figure("last delivery over the bound, mean", summary.last_over_bound),
        figure("last delivery over one hop to the farthest node, mean", summary.last_over_hop),
        count("missed", summary.missed),
        figure("all equal after the last step, ms", summary.equal_after_ms),
        figure("bytes from then on, over what was missing", summary.bytes_over_missing),
        figure("of the line of who came back", summary.of_line),
        figure("p99 to the others meanwhile, over before", summary.others_p99),
        figure("messages after it until RMR is below 0.05", summary.rmr_settled_after.map(|after| after as f64)),
        figure("one piece after the last step, ms", summary.one_piece_after_ms),
        count("delivered again", summary.repeats),
        count("delivered though never sent", summary.phantoms),
        count("nodes running at the end", summary.running as u64),
        figure("neighbours, mean", summary.degree),
        count("pieces of the overlay", summary.pieces as u64),
        format!("{:<42} {}\n", "trace", summary.trace),
    ]
    .concat()
}
