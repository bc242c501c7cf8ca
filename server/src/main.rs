//! The binary: settings, log, signals.

#![forbid(unsafe_code)]

use server::config::{Command, ConfigError, ServeArgs, parse_args};
use server::tools::{self, ToolError};
use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    server::store::end_in_words();
    let serve = match parse_args(std::env::args_os()).map(|cli| cli.command) {
        Ok(Command::Serve(serve)) => serve,
        Ok(Command::Store(args)) => return end(tools::store(&args)),
        Ok(Command::Identity(args)) => return end(tools::identity(&args)),
        // Help and version are no errors: clap knows where they go.
        Err(ConfigError::Usage(usage)) => usage.exit(),
        Err(error) => return fail(&error),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Colours are for people: a file or a program gets plain text.
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(colours);
    log.with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the system gives no threads or timers: {error}")),
    };
    let outcome = runtime.block_on(serve_until_signal(*serve));
    // What is still running has had its time.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    outcome
}

async fn serve_until_signal(args: ServeArgs) -> ExitCode {
    let shutdown = CancellationToken::new();
    let (mut interrupt, mut terminate) = match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
        (Err(error), _) | (_, Err(error)) => return fail(&format!("signals can't be listened to: {error}")),
    };
    let asked = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        asked.cancel();
    });
    let (ready, _) = oneshot::channel();
    match server::run(args, ready, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn end(outcome: Result<(), ToolError>) -> ExitCode {
    outcome.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

fn fail(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("beauty-mesh: {why}");
    ExitCode::FAILURE
}
