//! `completions`: each shell gets a script that knows the commands.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "it runs real processes on real files"
)]

mod binary;

use binary::Scratch;

#[test]
fn each_shell_gets_a_script_that_knows_the_commands() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scratch.fine(&format!("completions {shell}"));
        for word in ["seawall", "export", "compact", "reverse"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    let answer = scratch.run("completions nosuch");
    assert_eq!((answer.code, &*answer.stdout), (Some(2), ""), "{answer:?}");
    assert!(answer.stderr.contains("bash"), "{answer:?}");
}

#[test]
fn bash_takes_the_script_and_completes_a_command() {
    let scratch = Scratch::new();
    scratch.write("script", scratch.fine("completions bash"));
    let line = "source ./script; COMP_WORDS=(seawall exp); COMP_CWORD=1; _seawall seawall exp seawall; \
                echo \"${COMPREPLY[*]}\"";
    let Ok(output) = std::process::Command::new("bash")
        .args(["--norc", "-c", line])
        .current_dir(scratch.path())
        .output()
    else {
        // No bash here, and nobody to complete for.
        return;
    };
    let (out, err) = (output.stdout, output.stderr);
    assert_eq!(String::from_utf8_lossy(&out), "export\n", "{}", String::from_utf8_lossy(&err));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scratch = Scratch::new();
    let mut child = scratch.start("completions bash");
    drop(child.stdout.take());
    let answer = child.wait_with_output().expect("it ends");
    assert_eq!((answer.status.code(), &*answer.stderr), (Some(0), &b""[..]), "{answer:?}");
}
