//! How many files the system lets this process have open. Sockets are files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as all limits of this node together can need: 4,096 connections of HTTP, and as many of peers. More is of no use.
const ENOUGH: u64 = 16_384;

/// Raises the limit as far as this process may, where it is lower than is of use; many systems begin with 1,024. Gives what holds then.
pub(crate) fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let (current, wanted) = (current.unwrap_or(u64::MAX), maximum.unwrap_or(u64::MAX).min(ENOUGH));
    let raised = || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    if current < wanted && raised() { wanted } else { current }
}

/// How many of so many may be connections of HTTP: half of them, so that peers, the store and the page's files have the rest.
pub(crate) fn share_of_http(files: u64, most: usize) -> usize {
    usize::try_from(files / 2).unwrap_or(most).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_takes_half_and_no_more_than_it_has_use_for() {
        let shares = [0, 64, 1_024, 8_191, 8_192, 1 << 20, u64::MAX].map(|files| share_of_http(files, 4_096));
        assert_eq!(shares, [1, 32, 512, 4_095, 4_096, 4_096, 4_096]);
    }
}
