//! A panic of the program is a bug of ours: it says so, asks for a report and exits with 70.

use std::io::Write;
use std::panic::{self, PanicHookInfo};

use crate::exit::Exit;

/// Installs the hook. The simulator puts its own before it, which keeps the panics of simulated tasks
/// and reports them as findings with a seed.
pub(crate) fn install() {
    panic::set_hook(Box::new(|info| {
        let text = report(&message(info), &location(info));
        let _ = std::io::stderr().write_all(text.as_bytes());
        // Also from another thread: its results are missing, whatever the main thread does next.
        std::process::exit(Exit::OurBug as i32);
    }));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a panic without a message").to_owned()
}

fn location(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

fn report(message: &str, location: &str) -> String {
    let command: Vec<_> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    format!(
        "seawall: this is a bug in seawall, not in your data: {message}\n  \
         at: {location}, {}\n  \
         command: {}\n  \
         next: please report these lines; acknowledged writes are safe\n",
        crate::version::line(),
        command.join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: &str = "SEAWALL_PANIC_PROBE";

    /// Runs itself as a child process, in which the probe panics on a second thread.
    #[test]
    fn a_panic_on_any_thread_exits_with_70_and_asks_for_a_report() {
        if std::env::var_os(PROBE).is_some() {
            install();
            let _ = std::thread::spawn(|| panic!("kaboom {}", 7)).join();
            return;
        }
        let name = "panics::tests::a_panic_on_any_thread_exits_with_70_and_asks_for_a_report";
        let output = std::process::Command::new(std::env::current_exe().expect("a path"))
            .args([name, "--exact", "--nocapture"])
            .env(PROBE, "1")
            .output()
            .expect("the test binary starts");
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{talk}");
        assert!(talk.contains("this is a bug in seawall, not in your data: kaboom 7"), "{talk}");
        assert!(talk.contains("panics.rs:"), "{talk}");
        assert!(talk.contains("please report"), "{talk}");
    }
}
