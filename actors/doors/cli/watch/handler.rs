//! The program that is run for each change.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::doors::cli::error::CliError;

pub(super) struct Handler {
    program: String,
    arguments: Vec<String>,
}

impl Handler {
    pub fn of(words: &[String], shell: bool) -> Option<Self> {
        let (program, arguments) = words.split_first()?;
        Some(if shell {
            Self { program: "/bin/sh".to_owned(), arguments: vec!["-c".to_owned(), words.join(" ")] }
        } else {
            Self { program: program.clone(), arguments: arguments.to_vec() }
        })
    }

    /// Runs it to its end: changes that come meanwhile wait and are one. A failure ends the watch.
    pub fn run(&self, news: &Value, index: u64) -> Result<(), CliError> {
        let told = |error| CliError::System { what: format!("cannot run {}", self.program), error };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env("CONSUL_INDEX", index.to_string())
            .env("CHANCERY_INDEX", index.to_string())
            .stdin(Stdio::piped())
            .spawn()
            .map_err(told)?;
        if let Some(mut input) = child.stdin.take() {
            match writeln!(input, "{news}") {
                // a program need not read what it is told
                Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(told(error)),
                _ => {}
            }
        }
        let status = child.wait().map_err(told)?;
        if status.success() { Ok(()) } else { Err(CliError::usage(format!("{} ended with {status}", self.shown()))) }
    }

    fn shown(&self) -> String {
        match self.arguments.as_slice() {
            [dash, line] if dash == "-c" => line.clone(),
            _ => self.program.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Handler;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_program_gets_the_news_and_their_index() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("told");
        let line = format!("(cat; echo $CONSUL_INDEX $CHANCERY_INDEX) > {}", file.display());
        Handler::of(&words(&line), true).expect("there is a program").run(&json!([1]), 7).expect("it runs");
        assert_eq!(std::fs::read_to_string(file).expect("it was written"), "[1]\n7 7\n");
    }

    #[test]
    fn a_program_that_fails_is_named() {
        let run = |line: &str, shell| Handler::of(&words(line), shell).expect("a program").run(&json!({}), 1);
        let told = run("exit 3", true).expect_err("it fails").to_string();
        assert_eq!(told, "exit 3 ended with exit status: 3");
        let told = run("/no/such/program", false).expect_err("it is not there").to_string();
        assert!(told.starts_with("cannot run /no/such/program: "), "{told}");
        run("true", true).expect("it need not read its input");
        assert!(Handler::of(&[], true).is_none());
    }
}
