//! The Go program in `reference/`, which asks go-bexpr.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::{fmt, fs};

use chancery_tests::setup::{on_path, root, skip};
use serde_json::{Value, json};

/// What is said to an expression.
pub enum Said {
    Error(String),
    /// Of each value, in order.
    Selects(Vec<bool>),
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) => write!(out, "refuses it: {text}"),
            Self::Selects(which) => write!(out, "selects {which:?}"),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Version {
    /// What Consul is built with.
    Consul,
    /// The first with `any` and `all`, and what came after.
    Later,
}

pub struct Reference {
    program: std::path::PathBuf,
}

impl Reference {
    /// `None` without Go or without its module proxy, which is said aloud; with CI set that fails.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn build(test: &str, version: Version) -> Option<Self> {
        let without = |what| {
            assert!(
                std::env::var_os("CI").is_none(),
                "{test}: there is no {what}, and with CI set it may not be skipped"
            );
            skip(test, what);
        };
        let Some(go) = on_path("go") else {
            without("Go");
            return None;
        };
        let folder = root().join("target/tools/filter-reference");
        fs::create_dir_all(&folder).expect("a folder for the program");
        let (name, module, tags): (_, &[&str], &[&str]) = match version {
            Version::Consul => ("consul", &[], &[]),
            Version::Later => ("later", &["-modfile=later.mod"], &["-tags=later"]),
        };
        let in_module = |command: &[&str]| {
            let mut go = Command::new(&go);
            go.current_dir(root().join("tests/filter/reference")).args(command).args(module);
            go
        };
        if !in_module(&["mod", "download"]).output().expect("Go starts").status.success() {
            without("module proxy of Go");
            return None;
        }
        let program = folder.join(name);
        let output = in_module(&["build"]).args(tags).arg("-o").arg(&program).output().expect("Go starts");
        assert!(output.status.success(), "go build failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Some(Self { program })
    }

    /// # Panics
    /// When the program ends before it has answered all.
    pub fn ask(&self, values: &Value, questions: &[(&'static str, String)]) -> Vec<Said> {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut text = format!("{values}\n");
        for (kind, filter) in questions {
            text.push_str(&format!("{}\n", json!({ "Kind": kind, "Filter": filter })));
        }
        // it answers while it is still asked
        let asking = thread::spawn(move || stdin.write_all(text.as_bytes()));
        let answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let said: Vec<Said> = answers.map(|line| said(&line.expect("an answer"))).collect();
        asking.join().expect("a thread").expect("all questions are taken");
        assert!(child.wait().expect("an end").success() && said.len() == questions.len(), "{} answers", said.len());
        said
    }
}

fn said(line: &str) -> Said {
    let answer: Value = serde_json::from_str(line).expect("an answer is JSON");
    let error = answer["Error"].as_str().expect("a text");
    assert!(!error.starts_with("panic"), "{error}");
    if !error.is_empty() {
        return Said::Error(error.to_owned());
    }
    let selects = answer["Selects"].as_array().expect("a list");
    Said::Selects(selects.iter().map(|selected| selected.as_bool().expect("true or false")).collect())
}
