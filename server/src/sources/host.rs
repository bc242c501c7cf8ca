//! How calm this host is.
//!
//! With pressure-stall information (Linux 4.20, `Documentation/accounting/psi.rst`): the kernel counts the microseconds
//! in which at least one task waited for the processor, for memory, or for a disk. Over the time since the last reading,
//!
//! ```text
//! calmness = 1 - max(cpu, memory, io),   each: stalled microseconds / elapsed microseconds
//! ```
//!
//! Without it, from load and memory, both of which are the state now rather than a share of time:
//!
//! ```text
//! calmness = 1 - max(load, memory),   load   = min(1, load average of 1 min / (2 x processors))
//!                                     memory = min(1, max(0, (used share - 0.8) / 0.2))
//! ```

use beauty::Source;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

/// The source that these events name.
pub(super) static NAME: LazyLock<Source> = LazyLock::new(|| Source::new("host").unwrap_or_default());

const PRESSURES: [&str; 3] = ["cpu", "memory", "io"];

/// What can be read of this host.
pub(super) struct Host {
    proc: PathBuf,
    kind: Kind,
}

enum Kind {
    /// The counters of stalled microseconds at the last reading. A kernel may lack one of the three.
    Pressure {
        last: [Option<u64>; 3],
        at: Instant,
    },
    Load,
}

impl Host {
    /// Takes the first reading. `None` if this host shows nothing of itself.
    pub(super) fn open() -> Option<Host> {
        Host::open_at(Path::new("/proc"))
    }

    fn open_at(proc: &Path) -> Option<Host> {
        let last = stalled(proc);
        if last.iter().any(Option::is_some) {
            return Some(Host { proc: proc.to_owned(), kind: Kind::Pressure { last, at: Instant::now() } });
        }
        load_calmness(proc).map(|_| Host { proc: proc.to_owned(), kind: Kind::Load })
    }

    /// Calmness since the last reading, from 0 to 1. `None` if it can't be read now.
    pub(super) fn calmness(&mut self) -> Option<f64> {
        match &mut self.kind {
            Kind::Load => load_calmness(&self.proc),
            Kind::Pressure { last, at } => {
                let (now, stalled) = (Instant::now(), stalled(&self.proc));
                let elapsed = now.duration_since(*at).as_micros() as f64;
                let shares = last
                    .iter()
                    .zip(&stalled)
                    .filter_map(|(before, after)| Some(after.as_ref()?.saturating_sub((*before)?)));
                let worst = shares.max()? as f64 / elapsed.max(1.0);
                (*last, *at) = (stalled, now);
                Some(1.0 - worst.min(1.0))
            }
        }
    }
}

/// The three counters, in microseconds since boot.
fn stalled(proc: &Path) -> [Option<u64>; 3] {
    PRESSURES.map(|name| {
        let text = std::fs::read_to_string(proc.join("pressure").join(name)).ok()?;
        let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
        some.split(' ').find_map(|field| field.strip_prefix("total="))?.parse().ok()
    })
}

fn load_calmness(proc: &Path) -> Option<f64> {
    let loadavg = std::fs::read_to_string(proc.join("loadavg")).ok()?;
    let load: f64 = loadavg.split(' ').next()?.parse().ok()?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let meminfo = std::fs::read_to_string(proc.join("meminfo")).ok()?;
    let kib = |name: &str| -> Option<f64> {
        meminfo.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let used = 1.0 - kib("MemAvailable:")? / kib("MemTotal:")?.max(1.0);
    let pressure = (load / (2.0 * processors)).max((used - 0.8) / 0.2);
    Some(1.0 - pressure.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proc_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pressure")).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn psi(total: u64) -> String {
        format!(
            "some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        )
    }

    #[test]
    fn the_worst_pressure_counts_and_never_takes_calmness_below_zero() {
        let folder = proc_with(&[("pressure/cpu", &psi(0)), ("pressure/io", &psi(0))]);
        let mut host = Host::open_at(folder.path()).unwrap();
        assert_eq!(host.calmness(), Some(1.0));
        std::fs::write(folder.path().join("pressure/io"), psi(u64::MAX)).unwrap();
        assert_eq!(host.calmness(), Some(0.0));
    }

    #[test]
    fn half_of_the_time_stalled_is_half_calm() {
        let folder = proc_with(&[("pressure/cpu", &psi(0))]);
        let mut host = Host::open_at(folder.path()).unwrap();
        // A reading that began two seconds ago, without waiting for them.
        let began = Instant::now() - std::time::Duration::from_secs(2);
        host.kind = Kind::Pressure { last: [Some(0), None, None], at: began };
        std::fs::write(folder.path().join("pressure/cpu"), psi(1_000_000)).unwrap();
        let calm = host.calmness().unwrap();
        // A second of two, or of a little more where this thread had to wait.
        assert!((0.5..=1.0 - 1.0 / began.elapsed().as_secs_f64()).contains(&calm), "{calm}");
    }

    #[test]
    fn without_pressure_information_load_and_memory_count() {
        let meminfo = "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 100 kB\n";
        let folder = proc_with(&[("loadavg", "0.00 0.00 0.00 1/100 1"), ("meminfo", meminfo)]);
        assert!((Host::open_at(folder.path()).unwrap().calmness().unwrap() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_host_that_shows_nothing_is_no_source() {
        assert!(Host::open_at(proc_with(&[]).path()).is_none());
    }
}
