//! What the tab key offers, asked of the shells themselves.

use std::path::PathBuf;
use std::process::Command;

use chancery_tests::setup;

/// What a shell offers after `chancery intention`, by a script that has it complete that.
fn offered(shell: &str, script: &str) -> Option<String> {
    if setup::on_path(shell).is_none() {
        setup::skip(&format!("completion in {shell}"), shell);
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = setup::chancery();
    let path = std::env::join_paths(
        program.parent().map(PathBuf::from).into_iter().chain(std::env::split_paths(&std::env::var_os("PATH")?)),
    );
    let mut command = Command::new("timeout");
    command.arg("60").arg(shell).args(if shell == "fish" { ["--no-config", "-c"] } else { ["-f", "-c"] }).arg(script);
    let output = command.env("PATH", path.ok()?).env("HOME", folder.path()).current_dir(folder.path()).output();
    let output = output.expect("the shell runs");
    Some([output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
}

const INTENTION: [&str; 6] = ["check", "create", "delete", "get", "list", "match"];

#[test]
fn fish_completes_commands_and_flags() {
    let script = "chancery completion fish | source; complete -C 'chancery intention '; \
                  complete -C 'chancery connect envoy --sidecar'";
    let Some(offered) = offered("fish", script) else { return };
    for word in INTENTION.into_iter().chain(["--sidecar-for"]) {
        assert!(offered.lines().any(|line| line.starts_with(word)), "{word}: {offered}");
    }
}

/// Of zsh one must be run as at a terminal, and the tab key pressed.
#[test]
fn zsh_completes_commands() {
    let script = r#"
        zmodload zsh/zpty
        chancery completion zsh > _chancery
        zpty inner zsh -f -i
        heard() { local all; zpty -r inner all "*$1*"; print -r -- "$all" }
        zpty -w inner 'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; print -r -- rea""dy'
        heard ready
        zpty -n -w inner $'chancery intention \t'
        heard match
        zpty -d inner
    "#;
    let Some(offered) = offered("zsh", script) else { return };
    for word in INTENTION {
        assert!(offered.contains(word), "{word}: {offered}");
    }
}
