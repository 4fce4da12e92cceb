//! `chancery completion`: what the shell offers when the tab key is pressed.

use std::io::Write;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::definition;
use super::error::CliError;
use super::program::Program;

#[derive(Args)]
#[command(after_help = "Examples:\n\n    $ source <(chancery completion bash)\n    \
    $ chancery completion zsh > \"${fpath[1]}/_chancery\"\n    \
    $ chancery completion fish > ~/.config/fish/completions/chancery.fish")]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Known,
}

#[derive(Clone, Copy, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

impl Completion {
    pub fn run(&self, program: Program, out: &mut dyn Write) -> Result<(), CliError> {
        let shell = match self.shell {
            Known::Bash => Shell::Bash,
            Known::Zsh => Shell::Zsh,
            Known::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut definition(program), program.name(), &mut script);
        out.write_all(&script)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Completion, Known, Program};

    fn script(shell: Known, program: Program) -> String {
        let mut out = Vec::new();
        Completion { shell }.run(program, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn each_shell_knows_the_words_and_flags() {
        for shell in [Known::Bash, Known::Zsh, Known::Fish] {
            let script = script(shell, Program::Chancery);
            for word in ["intention", "sidecar-for", "passingonly"] {
                assert!(script.contains(word), "{word}");
            }
        }
        assert!(script(Known::Bash, Program::Consul).contains("_consul"), "under the name that it was started with");
    }
}
