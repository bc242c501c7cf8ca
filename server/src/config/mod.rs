//! Settings: flag over environment over file over default.
//!
//! `settings.rs` lists them with their ranges, `file.rs` reads the file and merges. A wrong value stops the start with
//! its name, its value, and what is allowed.

mod file;
mod parse;
mod settings;

pub use file::{ConfigError, parse_args};
pub use settings::{
    Allow, Cli, Command, IdentityArgs, IdentityDeed, Peers, ServeArgs, Source, StoreArgs, StoreDeed, Unsigned,
};
