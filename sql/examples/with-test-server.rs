//! Runs a command with the tests' database server, and ends the server afterwards: `with-test-server COMMAND ARGS`.
//!
//! A server that was there before stays, and one that other tests use by then. Where `MERIDIAN_TEST_DATABASE_URL` names
//! a server, that one is used and nothing is started. Exits as the command did.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sql::local::{LocalServer, Run, chain};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else { return failed("which command?") };
    let own = std::env::var_os("MERIDIAN_TEST_DATABASE_URL").is_none();
    // Nothing else runs here, so these calls may block.
    let run = match own.then(|| LocalServer::for_tests().begin_run()).transpose() {
        Ok(run) => run,
        Err(error) => return failed(&format!("no database for tests: {}", chain(&error))),
    };
    let code = command(program, words.collect()).await;
    if let Some(Err(error)) = run.map(Run::end) {
        return failed(&format!("the tests' database did not end: {}", chain(&error)));
    }
    code
}

/// Runs it to its end, also where Ctrl-C or SIGTERM asks for that end.
async fn command(program: OsString, arguments: Vec<OsString>) -> ExitCode {
    let name = program.to_string_lossy().into_owned();
    let (mut child, mut interrupt, mut terminate) = match (
        Command::new(program).args(arguments).spawn(),
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
        (Ok(child), Ok(interrupt), Ok(terminate)) => (child, interrupt, terminate),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => return failed(&format!("{name}: {error}")),
    };
    loop {
        tokio::select! {
            status = child.wait() => {
                let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
                return code.map_or(ExitCode::FAILURE, ExitCode::from);
            }
            // The terminal has sent it to the command too.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => pass_on(&child),
        }
    }
}

fn pass_on(child: &Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // It may have ended by itself in between.
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "with-test-server: {why}");
    ExitCode::FAILURE
}
