//! What the project depends on keeps to `deny.toml`: licences, sources, and crates that it must not have.
//!
//! The file is one of cargo-deny's, which whoever has it may run as well. Building that tool for each check would take longer
//! than all other checks together, and its advisory database can't be reached from everywhere; so the rest is checked
//! here, over what cargo itself tells.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The rules.
#[derive(Debug, Default)]
struct Rules {
    licences: BTreeSet<String>,
    /// What a crate may be licensed under as well.
    exceptions: BTreeMap<String, BTreeSet<String>>,
    /// Crates that must not be there, but for those who need them, and why.
    banned: BTreeMap<String, (BTreeSet<String>, String)>,
    registries: BTreeSet<String>,
}

/// A crate.
#[derive(Clone, Debug)]
struct Crate {
    name: String,
    licence: Option<String>,
    /// `None`: it is of this workspace.
    source: Option<String>,
    /// Crates that depend on it directly.
    users: BTreeSet<String>,
}

fn strings(value: &toml::Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

impl Rules {
    fn read(text: &str) -> Rules {
        let table: toml::Table = text.parse().unwrap();
        let entries = |part: &str, list: &str| table[part][list].as_array().unwrap().clone();
        let name = |entry: &toml::Value| entry["crate"].as_str().unwrap().to_owned();
        let wrappers = |entry: &toml::Value| entry.get("wrappers").map(strings).unwrap_or_default();
        let reason = |entry: &toml::Value| entry["reason"].as_str().unwrap().to_owned();
        Rules {
            licences: strings(&table["licenses"]["allow"]),
            exceptions: entries("licenses", "exceptions").iter().map(|e| (name(e), strings(&e["allow"]))).collect(),
            banned: entries("bans", "deny").iter().map(|e| (name(e), (wrappers(e), reason(e)))).collect(),
            registries: strings(&table["sources"]["allow-registry"]),
        }
    }

    /// What is wrong with a crate, in words.
    fn judge(&self, found: &Crate) -> Vec<String> {
        let (name, mut wrong) = (&found.name, Vec::new());
        if let Some((wrappers, reason)) = self.banned.get(name) {
            let others = || found.users.difference(wrappers).cloned().collect::<Vec<_>>().join(", ");
            if wrappers.is_empty() {
                wrong.push(format!("{name} is banned: {reason}"));
            } else if !found.users.is_subset(wrappers) {
                wrong.push(format!("{name} is banned for {}: {reason}", others()));
            }
        }
        let Some(source) = &found.source else { return wrong };
        let known = source.strip_prefix("registry+").is_some_and(|registry| self.registries.contains(registry));
        if !known {
            wrong.push(format!("{name} comes from {source}, which is no registry that deny.toml names"));
        }
        let own = self.exceptions.get(name);
        let allowed = |licence: &str| self.licences.contains(licence) || own.is_some_and(|own| own.contains(licence));
        match &found.licence {
            None => wrong.push(format!("{name} names no licence")),
            Some(licence) if !holds(licence, &allowed) => {
                wrong.push(format!("{name} is licensed under {licence}, which deny.toml does not allow"));
            }
            Some(_) => {}
        }
        wrong
    }
}

/// Whether a licence expression (SPDX 2.3, annex D) holds where these licences do. A slash is the OR of old crates.
fn holds(expression: &str, allowed: &impl Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (value, rest) = either(&words, allowed);
    assert!(rest.is_empty(), "{expression} is no licence expression");
    value
}

fn either<'a>(words: &'a [&'a str], allowed: &impl Fn(&str) -> bool) -> (bool, &'a [&'a str]) {
    let (mut value, mut rest) = both(words, allowed);
    while let [word, more @ ..] = rest
        && *word == "OR"
    {
        let (other, left) = both(more, allowed);
        (value, rest) = (value || other, left);
    }
    (value, rest)
}

fn both<'a>(words: &'a [&'a str], allowed: &impl Fn(&str) -> bool) -> (bool, &'a [&'a str]) {
    let (mut value, mut rest) = one(words, allowed);
    while let [word, more @ ..] = rest
        && *word == "AND"
    {
        let (other, left) = one(more, allowed);
        (value, rest) = (value && other, left);
    }
    (value, rest)
}

fn one<'a>(words: &'a [&'a str], allowed: &impl Fn(&str) -> bool) -> (bool, &'a [&'a str]) {
    match words {
        ["(", inner @ ..] => {
            let (value, rest) = either(inner, allowed);
            (value, rest.strip_prefix(&[")"]).expect("a bracket that closes"))
        }
        [licence, "WITH", exception, rest @ ..] => (allowed(&format!("{licence} WITH {exception}")), rest),
        [licence, rest @ ..] => (allowed(licence), rest),
        [] => panic!("a licence is missing"),
    }
}

/// Who of all crates depends on one of this name. What others need for their own tests alone is not built here.
fn users(told: &Value, name: &Value) -> BTreeSet<String> {
    let uses = |package: &&Value| {
        let mut needed = package["dependencies"].as_array().unwrap().iter();
        needed.any(|needed| needed["name"] == *name && (needed["kind"] != "dev" || package["source"].is_null()))
    };
    let users = told["packages"].as_array().unwrap().iter().filter(uses);
    users.map(|package| package["name"].as_str().unwrap().to_owned()).collect()
}

/// All crates of the lock file, for any platform and with all features.
fn crates() -> Vec<Crate> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    let told =
        cargo.args(["metadata", "--format-version", "1", "--locked", "--all-features"]).current_dir(root).output();
    let told = told.unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let text = |package: &Value, field: &str| package[field].as_str().map(str::to_owned);
    let found = |package: &Value| Crate {
        name: text(package, "name").unwrap(),
        licence: text(package, "license"),
        source: text(package, "source"),
        users: users(&told, &package["name"]),
    };
    told["packages"].as_array().unwrap().iter().map(found).collect()
}

#[test]
fn what_the_project_depends_on_keeps_to_the_rules() {
    let (rules, crates) = (Rules::read(include_str!("../../deny.toml")), crates());
    assert!(crates.len() > 100, "{} crates", crates.len());
    let wrong: Vec<String> = crates.iter().flat_map(|found| rules.judge(found)).collect();
    println!("dependencies: {} crates, {} against deny.toml", crates.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unused = rules.exceptions.keys().filter(|name| crates.iter().all(|found| found.name != **name));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&String>::new(), "exceptions for crates that are gone");
}

#[test]
fn what_does_not_keep_to_them_is_found() {
    let rules = Rules::read(include_str!("../../deny.toml"));
    let good = Crate {
        name: "good".to_owned(),
        licence: Some("MIT".to_owned()),
        source: Some("registry+https://github.com/rust-lang/crates.io-index".to_owned()),
        users: BTreeSet::new(),
    };
    let with = |licence: &str| Crate { licence: Some(licence.to_owned()), ..good.clone() };
    for licence in
        ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(MIT OR GPL-3.0) AND Zlib", "Apache-2.0 WITH LLVM-exception"]
    {
        assert_eq!(rules.judge(&with(licence)), Vec::<String>::new(), "{licence}");
    }
    for licence in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND AGPL-3.0", "MPL-2.0", "MIT WITH Something"] {
        assert_eq!(rules.judge(&with(licence)).len(), 1, "{licence}");
    }
    let elsewhere = Crate { source: Some("git+https://example.org/x".to_owned()), ..good.clone() };
    let banned = Crate { name: "openssl-sys".to_owned(), ..good.clone() };
    let used_by = |users: &[&str]| Crate {
        name: "serde_yaml".to_owned(),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        ..good.clone()
    };
    assert!(rules.judge(&used_by(&["leptos_i18n_parser"])).is_empty(), "who needs it may have it");
    let used_elsewhere = used_by(&["leptos_i18n_parser", "server"]);
    let nameless = Crate { licence: None, ..good };
    for found in [elsewhere, banned, used_elsewhere, nameless] {
        assert_eq!(rules.judge(&found).len(), 1, "{found:?}");
    }
}
