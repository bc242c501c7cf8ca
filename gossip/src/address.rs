//! Where a node can be dialled.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

/// A WebSocket address, `ws://host:port` or `wss://host:port`, in one spelling: lower case, no path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    host: Arc<str>,
    port: u16,
    tls: bool,
}

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme than `ws` and `wss`.
    #[error("an address begins with ws:// or, with TLS, wss://, as in wss://mesh.example:8091")]
    Scheme,
    /// No host, or one with characters that no host has.
    #[error(
        "an address needs a host name or an IP address after ws://, as in ws://mesh.example:8091 or ws://[::1]:8091"
    )]
    Host,
    /// No port, or not one of 1 to 65535.
    #[error("an address ends with a port from 1 to 65535, as in ws://mesh.example:8091")]
    Port,
    /// A path, a query or credentials.
    #[error("an address ends after its port: no path, query or user name")]
    Trailing,
}

/// The longest host name that DNS allows (RFC 1035 §2.3.4).
const MAX_HOST: usize = 253;

impl Address {
    /// The address of `host`, an IP address or a name, at `port`, without TLS.
    ///
    /// # Errors
    /// [`AddressError::Host`] or [`AddressError::Port`], as for parsing.
    pub fn new(host: &str, port: u16) -> Result<Address, AddressError> {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let inner = if bracketed { &host[1..host.len() - 1] } else { host };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || (bracketed && c == ':');
        if inner.is_empty() || inner.len() > MAX_HOST || !inner.chars().all(allowed) {
            return Err(AddressError::Host);
        }
        if port == 0 {
            return Err(AddressError::Port);
        }
        Ok(Address { host: host.to_ascii_lowercase().into(), port, tls: false })
    }

    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken with through TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// The same host at another port: a peer is dialled back where it was seen, at the port that it names, and as it listens.
    ///
    /// `None` for port 0: such a peer does not listen.
    pub fn listening(&self, port: u16, tls: bool) -> Option<Address> {
        (port != 0).then(|| Address { host: Arc::clone(&self.host), port, tls })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let (tls, rest) = match scheme.as_deref() {
            Some("ws") => (false, &text["ws://".len()..]),
            Some("wss") => (true, &text["wss://".len()..]),
            _ => return Err(AddressError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(AddressError::Trailing);
        }
        let (host, port) = rest.rsplit_once(':').ok_or(AddressError::Port)?;
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AddressError::Port);
        }
        let address = Address::new(host, port.parse().map_err(|_| AddressError::Port)?)?;
        Ok(Address { tls, ..address })
    }
}

impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Address {
        let host = match socket {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        Address { host: host.into(), port: socket.port(), tls: false }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        let address: Address = "WS://Mesh.Example:8091/".parse().unwrap();
        assert_eq!(address.to_string(), "ws://mesh.example:8091");
        assert_eq!("ws://[::1]:8091".parse::<Address>().unwrap().host(), "[::1]");
        let with_tls: Address = "WSS://Mesh.Example:8091".parse().unwrap();
        assert_eq!(with_tls.to_string(), "wss://mesh.example:8091");
        assert_ne!(with_tls, address);
        assert_eq!(address.listening(8_091, true), Some(with_tls));
    }

    #[test]
    fn what_is_no_address_is_refused_in_words() {
        for (text, error) in [
            ("mesh.example:8091", AddressError::Scheme),
            ("http://mesh.example:8091", AddressError::Scheme),
            ("wss:mesh.example:8091", AddressError::Scheme),
            ("wss://mesh.example:8091/path", AddressError::Trailing),
            ("ws://mesh.example", AddressError::Port),
            ("ws://mesh.example:0", AddressError::Port),
            ("ws://mesh.example:+80", AddressError::Port),
            ("ws://mesh.example:65536", AddressError::Port),
            ("ws://:8091", AddressError::Host),
            ("ws://a b:8091", AddressError::Host),
            ("ws://::1:8091", AddressError::Host),
            ("ws://me@mesh.example:8091", AddressError::Trailing),
            ("ws://mesh.example:8091/path", AddressError::Trailing),
            ("ws", AddressError::Scheme),
            ("é://x", AddressError::Scheme),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
    }
}
