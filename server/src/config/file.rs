//! The configuration file, and how its values join flags and environment.
//!
//! A value of the file becomes the default of its flag, so it is checked by the same rule and loses against both others.

use super::settings::{Cli, Command, ServeArgs};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Why the settings can't be worked with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file can't be read.
    #[error("the configuration file {path} can't be read: {why}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// The configuration file is no TOML, or holds what is no setting.
    #[error("the configuration file {path}: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it, and what would be right.
        why: String,
    },
    /// A setting has a value that is not allowed.
    #[error("{name} is {value:?}: {allowed}")]
    Value {
        /// Flag, environment variable and key.
        name: String,
        /// What it was set to.
        value: String,
        /// What would be right.
        allowed: String,
    },
    /// Help, version, or a command line that is not understood: clap has the words.
    #[error(transparent)]
    Usage(clap::Error),
}

/// Reads the command line, the environment and the configuration file.
///
/// # Errors
/// The first value that is not allowed, or what is wrong with the file or the command line.
pub fn parse_args(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ConfigError> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    // Without a word, a node is what is wanted: whoever starts it from a service or from cargo-leptos names settings only.
    if args.len() == 1 {
        args.push("serve".into());
    }
    let mut command = Cli::command();
    if let Some(path) = file_path(&args) {
        let values = read(&path)?;
        command = with_defaults(command, values, &path)?;
    }
    let matches = command.clone().try_get_matches_from(&args).map_err(|error| explain(&command, error))?;
    Cli::from_arg_matches(&matches).map_err(|error| explain(&command, error))
}

/// The file that flag or environment name, else the platform's, if it is there.
fn file_path(args: &[OsString]) -> Option<PathBuf> {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(args).ok()?;
    let (_, deed) = matches.subcommand()?;
    let named = deed.try_get_one::<PathBuf>("config").ok()?.cloned();
    let platform = || Some(directories::ProjectDirs::from("", "", "beauty-mesh")?.config_dir().join("config.toml"));
    named.or_else(|| platform().filter(|path| path.exists()))
}

fn read(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|why| ConfigError::Unreadable { path: path.to_owned(), why })?;
    let values: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // Without the line itself, as toml's own words have it: it may be a secret.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        file_error(path, format!("it is no TOML, by line {line}: {}", error.message().trim_end()))
    })?;
    let secret = values.keys().find(|key| SECRETS.contains(&key.replace('_', "-").as_str()));
    if let (Some(key), true) = (secret, others_may_read(path)) {
        let why =
            format!("{key} stands in it, and other users of this machine may read it: `chmod 600 {}`", path.display());
        return Err(file_error(path, why));
    }
    Ok(values)
}

/// What nobody else is to know.
const SECRETS: [&str; 2] = ["secret", "ingest-token"];

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

/// Elsewhere the system's own lists say who may read what.
#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}

fn with_defaults(command: clap::Command, values: toml::Table, path: &Path) -> Result<clap::Command, ConfigError> {
    let mut command = command;
    for (key, value) in values {
        let id = key.replace('-', "_");
        let serve = command.find_subcommand("serve");
        let arg = serve.and_then(|serve| serve.get_arguments().find(|arg| arg.get_id() == &id && id != "config"));
        if arg.is_none() {
            let keys: Vec<&str> =
                serve.into_iter().flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long).collect();
            let keys: Vec<&str> = keys.into_iter().filter(|key| *key != "config" && *key != "help").collect();
            return Err(file_error(path, format!("{key:?} is no setting; settings are {}", keys.join(", "))));
        }
        let text = plain_text(&value).ok_or_else(|| {
            file_error(path, format!("{key} must be a text, a number, true or false, or a list of texts"))
        })?;
        let text = clap::builder::OsStr::from(text);
        for name in ["serve", "store", "identity"] {
            // Tools have few of a node's settings, and those are the same.
            let has = command.find_subcommand(name).is_some_and(|it| it.get_arguments().any(|arg| arg.get_id() == &id));
            if has {
                let text = text.clone();
                command = command.mut_subcommand(name, |it| it.mut_arg(&id, |arg| arg.default_value(text)));
            }
        }
    }
    Ok(command)
}

fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(switch) => Some(switch.to_string()),
        toml::Value::Array(list) => {
            list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>().map(|l| l.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn file_error(path: &Path, why: String) -> ConfigError {
    ConfigError::File { path: path.to_owned(), why }
}

/// Says a wrong value by all its names, for it may have come from any of them.
fn explain(command: &clap::Command, error: clap::Error) -> ConfigError {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let wrong_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let (Some(arg), Some(value)) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) else {
        return ConfigError::Usage(error);
    };
    if !wrong_value {
        return ConfigError::Usage(error);
    }
    let flag = arg.split_whitespace().next().unwrap_or_default().trim_start_matches('-').to_owned();
    let serve = command.find_subcommand("serve");
    let known = serve.and_then(|serve| serve.get_arguments().find(|a| a.get_long() == Some(&flag)));
    let env = known.and_then(|arg| arg.get_env()).map(|env| env.to_string_lossy().into_owned()).unwrap_or_default();
    let secret = known.is_some_and(clap::Arg::is_hide_env_values_set);
    let valid = text(ContextKind::ValidValue).filter(|values| !values.is_empty());
    let valid = valid.map(|values| format!("allowed are {values}"));
    let source = std::error::Error::source(&error).map(ToString::to_string);
    ConfigError::Value {
        name: format!("{env} (--{flag})"),
        value: if secret { "…".to_owned() } else { value },
        allowed: source.or(valid).unwrap_or_else(|| "not allowed".to_owned()),
    }
}

impl ServeArgs {
    /// The settings that an empty command line gives, for tests and benches.
    ///
    /// # Errors
    /// As [`parse_args`], if the environment holds a wrong value.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<ServeArgs, ConfigError> {
        let args = ["beauty-mesh", "serve"].into_iter().chain(words).map(OsString::from);
        match parse_args(args)?.command {
            Command::Serve(serve) => Ok(*serve),
            Command::Store(_) | Command::Identity(_) => unreachable!("the second word is serve"),
        }
    }
}
