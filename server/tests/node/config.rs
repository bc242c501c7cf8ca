//! Flag over environment over file over default, and words for what is wrong.

use crate::lifetime::binary;
use crate::process::{Process, command};
use server::config::ServeArgs;
use std::io::Write;
use std::process::Output;
use std::time::Duration;

fn refused(configure: impl FnOnce(&mut std::process::Command)) -> String {
    let mut command = binary();
    configure(command.arg("serve"));
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_wrong_value_stops_the_start_with_its_name_its_value_and_what_is_allowed() {
    for (name, value, allowed) in [
        ("FEDERATED_ENABLE", "yes", "1 (on) and 0 (off)"),
        ("FEDERATED_NODE_ID", "", "character"),
        ("FEDERATED_PORT", "70000", "0 to 65535"),
        ("FEDERATED_BIND", "localhost", "IP address"),
        ("FEDERATED_PEERS", "ws://ok:1,mesh.example:8091", "ws://"),
        ("LEPTOS_SITE_ADDR", "8080", "127.0.0.1:8080"),
        ("FEDERATED_SOURCE", "moon", "none, host"),
        ("FEDERATED_RETENTION", "5m", "1h to 366d"),
        ("FEDERATED_STORE_MAX", "4", "500MB"),
        ("FEDERATED_STORE_MAX", "999kB", "1MB to 1PB"),
        ("FEDERATED_STORE_MAX", "99999999999TB", "1MB to 1PB"),
        ("FEDERATED_MESH", "", "1 to 64 characters"),
        ("FEDERATED_MESH", "m\u{202e}esh", "control character"),
        ("FEDERATED_MESH", "mesh\u{200b}", "can't be seen"),
        ("FEDERATED_UNSIGNED", "maybe", "accept, reject"),
        ("FEDERATED_INGEST_TOKEN", "short", "8 to 512"),
        ("FEDERATED_SECRET", "hunter2", "16 to 512"),
        ("FEDERATED_ALLOW", "a key", "64 hexadecimal digits"),
        ("FEDERATED_PEERS", "wss://mesh.example", "port"),
        ("FEDERATED_TLS_CERT", "", "not allowed"),
        ("FEDERATED_LOCATION", "Berlin", "latitude from -90 to 90"),
        ("FEDERATED_LOCATION", "52.5", "as in 52.5,13.4"),
        ("FEDERATED_LOCATION", "13.4,252.5", "longitude from -180 to 180"),
    ] {
        let error = refused(|command| {
            command.env(name, value);
        });
        let hidden = matches!(name, "FEDERATED_INGEST_TOKEN" | "FEDERATED_SECRET");
        assert!(error.contains(name) && error.contains(allowed), "{name}: {error}");
        let shown = value.escape_debug().to_string();
        assert_eq!(error.contains(&shown), !hidden || value.is_empty(), "{name}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
}

#[test]
fn a_file_gives_defaults_that_environment_and_flags_win_over() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(
        file,
        "node-id = \"from-file\"\nport = 7001\nretention = \"2d\"\nenable = true\npeers = [\"ws://a:1\", \"ws://b:2\"]"
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let args = ServeArgs::from_words(["--config", path, "--port", "7002"]).unwrap();
    assert_eq!(args.node_id.unwrap().as_str(), "from-file");
    assert_eq!((args.port, args.retention, args.enable), (7_002, Duration::from_secs(172_800), true));
    assert_eq!(args.peers.0.len(), 2);
    let error = refused(|command| {
        command.args(["--config", path, "--retention", "3d"]).env("FEDERATED_PORT", "from-env");
    });
    assert!(error.contains("from-env"), "the environment wins over the file: {error}");
}

#[test]
fn a_secret_in_the_file_is_not_shown_and_others_may_not_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let with = |text: &str, mode: u32| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        refused(|command| {
            command.arg("--config").arg(&path).args(["--port", "70000"]);
        })
    };
    let cut = with("mesh = \"m\"\nsecret = \"nobody shall see this\n", 0o600);
    assert!(cut.contains("line 2") && !cut.contains("nobody"), "{cut}");
    let whole = "secret = \"nobody shall see this\"";
    let open = with(whole, 0o644);
    assert!(open.contains("chmod 600") && !open.contains("nobody"), "{open}");
    // Then it is the port that is wrong.
    assert!(with(whole, 0o600).contains("70000") && with("mesh = \"m\"", 0o644).contains("70000"));
}

#[test]
fn tools_take_the_folder_and_the_mesh_from_the_file_as_a_node_does() {
    let folder = tempfile::tempdir().unwrap();
    let (path, data) = (folder.path().join("config.toml"), folder.path().join("data"));
    std::fs::write(&path, format!("port = 1\nmesh = \"prod\"\ndata-dir = \"{}\"", data.display())).unwrap();
    let store = server::store::Store::open(&data).unwrap();
    store.belongs_to("other").unwrap();
    drop(store);
    let tool = |words: &[&str]| {
        let output = binary().args(words).arg("--config").arg(&path).output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (checked, said) = tool(&["store", "check"]);
    assert!(checked && said.contains(data.to_str().unwrap()), "{said}");
    // An empty store is anybody's; from then on it is that mesh's.
    assert!(tool(&["store", "import"]).0);
    let (rotated, said) = tool(&["identity", "rotate"]);
    assert!(!rotated && said.contains("identity.key"), "{said}");
    let store = server::store::Store::open(&data).unwrap();
    store.belongs_to("prod").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_on_what_was_told_in_another_mesh() {
    let folder = tempfile::tempdir().unwrap();
    let node = Process::start(command("alpha", folder.path()).args(["--mesh", "one"]));
    node.post_many(1).await;
    node.end();
    let refused = command("alpha", folder.path()).args(["--mesh", "two"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("mesh \"one\"") && said.contains("--mesh"), "{said}");
    let again = Process::start(command("alpha", folder.path()).args(["--mesh", "one"]));
    again.until("/federated/health", |health| health["events"] == 1).await;
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    for (text, words) in [
        ("prot = 1", "\"prot\" is no setting; settings are enable, node-id, port"),
        ("port = 70000", "FEDERATED_PORT (--port) is \"70000\""),
        ("port = 1.5", "port must be a text, a number"),
        ("port", "TOML"),
        ("config = \"other.toml\"", "is no setting"),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{text}").unwrap();
        let error = ServeArgs::from_words(["--config", file.path().to_str().unwrap()]).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let error = ServeArgs::from_words(["--config", "/no/such/file.toml"]).unwrap_err().to_string();
    assert!(error.contains("/no/such/file.toml can't be read"), "{error}");
}

#[test]
fn every_setting_of_the_design_is_there_with_its_default() {
    let help = binary().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for setting in [
        "FEDERATED_ENABLE",
        "FEDERATED_NODE_ID",
        "FEDERATED_PORT",
        "FEDERATED_PEERS",
        "LEPTOS_SITE_ADDR",
        "FEDERATED_DATA_DIR",
        "FEDERATED_SOURCE",
        "FEDERATED_RETENTION",
        "FEDERATED_STORE_MAX",
        "FEDERATED_MESH",
        "FEDERATED_SECRET",
        "FEDERATED_ALLOW",
        "FEDERATED_TLS_CERT",
        "FEDERATED_TLS_KEY",
        "FEDERATED_UNSIGNED",
        "FEDERATED_INGEST_TOKEN",
        "FEDERATED_LOCATION",
    ] {
        assert!(help.contains(setting), "{setting}");
    }
    let version = binary().arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(version.stdout).unwrap().trim(), concat!("beauty-mesh ", env!("CARGO_PKG_VERSION")));
}

/// cargo-leptos reads its options from Cargo.toml, the installed binary from Leptos.toml.
#[test]
fn leptos_toml_and_cargo_toml_say_the_same() {
    let read = |name: &str| -> toml::Table {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    };
    let options = |table: toml::Table| table["workspace"]["metadata"]["leptos"][0].as_table().unwrap().clone();
    let (cargo, leptos) = (options(read("Cargo.toml")), options(read("Leptos.toml")));
    for name in ["output-name", "site-root", "site-pkg-dir", "site-addr", "reload-port", "hash-files", "name"] {
        assert!(leptos.contains_key(name), "{name}");
    }
    for (name, value) in leptos {
        assert_eq!(cargo.get(&name), Some(&value), "{name}");
    }
}
