//! One text, one value, or a sentence that says what is allowed.

use super::settings::{Allow, Peers};
use beauty::Origin;
use gossip::join::Secret;
use gossip::{Address, OriginId, PublicKey, Spot};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const MIN_RETENTION: Duration = HOUR;
const MAX_RETENTION: Duration = Duration::from_secs(366 * 24 * 3_600);
/// More bootstrap peers than this are a mistake: peers tell each other of the rest.
const MAX_BOOTSTRAP: usize = 64;
/// As many names are remembered.
const MAX_ALLOWED: usize = 10_000;

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("allowed are 1 (on) and 0 (off)".to_owned()),
    }
}

pub(super) fn origin(text: &str) -> Result<Origin, String> {
    Origin::new(text).map_err(|error| error.to_string())
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a whole number from 0 to 65535, as in 8091".to_owned())
}

pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "an IP address of this machine is needed, as in 127.0.0.1, 0.0.0.0 or ::".to_owned())
}

pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an IP address and a port are needed, as in 127.0.0.1:8080 or [::]:8080".to_owned())
}

pub(super) fn peers(text: &str) -> Result<Peers, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parse = |part: &str| part.parse::<Address>().map_err(|error| format!("{part:?}: {error}"));
    let addresses = parts.map(parse).collect::<Result<Vec<_>, _>>()?;
    if addresses.len() > MAX_BOOTSTRAP {
        return Err(format!("{} addresses; at most {MAX_BOOTSTRAP} are allowed", addresses.len()));
    }
    Ok(Peers(addresses))
}

pub(super) fn retention(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok().filter(|d| (MIN_RETENTION..=MAX_RETENTION).contains(d));
    duration.ok_or_else(|| "a duration from 1h to 366d is needed, as in 7d or 36h".to_owned())
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("PB", 1_000_000_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let size = units.iter().find_map(|(unit, bytes)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(*bytes).filter(|size| (1_000_000..=1_000_000_000_000_000).contains(size))
    });
    size.ok_or_else(|| "a size from 1MB to 1PB is needed, as in 500MB or 2GiB".to_owned())
}

pub(super) fn mesh(text: &str) -> Result<String, String> {
    // The rule by which peers take a name.
    Origin::new(text).map(|name| name.as_str().to_owned()).map_err(|_| {
        "a name has 1 to 64 characters, none of them a control character or one that can't be seen, and no white space at its ends"
            .to_owned()
    })
}

pub(super) fn secret(text: &str) -> Result<Secret, String> {
    if (16..=512).contains(&text.len()) {
        Ok(Secret::new(text.as_bytes()))
    } else {
        Err("a secret has 16 to 512 bytes, and is drawn, not made up: `openssl rand -hex 32` draws one".to_owned())
    }
}

pub(super) fn allow(text: &str) -> Result<Allow, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let key = |part: &str| {
        let mut bytes = [0; 32];
        let words = |why: &str| format!("{part:?}: {why}; `beauty-mesh identity show` prints a node's key");
        hex::decode_to_slice(part, &mut bytes).map_err(|_| words("a public key has 64 hexadecimal digits"))?;
        PublicKey::decode(&OriginId(bytes)).map_err(|bad| words(&bad.to_string()))?;
        Ok(OriginId(bytes))
    };
    let keys = parts.map(key).collect::<Result<BTreeSet<_>, String>>()?;
    if keys.is_empty() {
        return Err("public keys are needed, comma-separated, each of 64 hexadecimal digits".to_owned());
    }
    if keys.len() > MAX_ALLOWED {
        return Err(format!("{} keys; at most {MAX_ALLOWED} are allowed", keys.len()));
    }
    Ok(Allow(keys))
}

pub(super) fn location(text: &str) -> Result<Spot, String> {
    let degrees = |text: &str| text.trim().parse::<f64>().ok();
    let spot =
        text.split_once(',').and_then(|(latitude, longitude)| Spot::near(degrees(latitude)?, degrees(longitude)?));
    spot.ok_or_else(|| {
        "a latitude from -90 to 90 and a longitude from -180 to 180 are needed, in degrees, north and east above zero, as in 52.5,13.4"
            .to_owned()
    })
}

pub(super) fn token(text: &str) -> Result<String, String> {
    if (8..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("a token has 8 to 512 printable ASCII characters without spaces".to_owned())
    }
}
