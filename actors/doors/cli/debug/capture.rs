//! What is captured, and into which files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::doors::cli::api::AgentApi;
use crate::doors::cli::error::CliError;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Agent,
    Host,
    Members,
    Metrics,
    Logs,
    Actors,
    Changes,
    Proxies,
}

const ALL: [(&str, Kind); 8] = [
    ("agent", Kind::Agent),
    ("host", Kind::Host),
    ("members", Kind::Members),
    ("metrics", Kind::Metrics),
    ("logs", Kind::Logs),
    ("actors", Kind::Actors),
    ("changes", Kind::Changes),
    ("proxies", Kind::Proxies),
];

impl Kind {
    /// All of them when none is named.
    pub fn named(names: &[String]) -> Result<Vec<Self>, String> {
        if names.is_empty() {
            return Ok(ALL.iter().map(|(_, kind)| *kind).collect());
        }
        let mut kinds = Vec::new();
        for name in names.iter().flat_map(|names| names.split(',')) {
            match ALL.iter().find(|(known, _)| *known == name || (*known == "members" && name == "cluster")) {
                Some((_, kind)) => kinds.push(*kind),
                None if name == "pprof" => {
                    return Err(
                        "-capture=pprof is of programs in Go: capture actors, which says what each does".to_owned()
                    );
                }
                None => {
                    let known: Vec<&str> = ALL.iter().map(|(known, _)| *known).collect();
                    return Err(format!("-capture={name}: expected one of {}", known.join(", ")));
                }
            }
        }
        Ok(kinds)
    }

    /// What does not change while one looks.
    const fn once(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Agent => Some(("agent.json", "/v1/agent/self")),
            Self::Host => Some(("host.json", "/v1/agent/host")),
            Self::Members => Some(("members.json", "/v1/agent/members")),
            _ => None,
        }
    }

    const fn again(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Metrics => Some(("metrics.prom", "/metrics")),
            Self::Actors => Some(("actors.json", "/admin/actors")),
            Self::Changes => Some(("changes.json", "/admin/changes")),
            Self::Proxies => Some(("proxies.json", "/admin/proxies")),
            _ => None,
        }
    }
}

pub(super) struct Capture<'a> {
    folder: PathBuf,
    api: &'a AgentApi,
    /// File to what went wrong, or "captured".
    results: BTreeMap<String, String>,
}

impl<'a> Capture<'a> {
    pub fn new(folder: &Path, api: &'a AgentApi) -> Self {
        Self { folder: folder.to_owned(), api, results: BTreeMap::new() }
    }

    pub fn once(&mut self, kinds: &[Kind]) {
        for (file, path) in kinds.iter().filter_map(|kind| kind.once()) {
            self.keep(file, path);
        }
    }

    pub fn again(&mut self, kinds: &[Kind], look: usize) {
        for (file, path) in kinds.iter().filter_map(|kind| kind.again()) {
            self.keep(&format!("{look:03}/{file}"), path);
        }
    }

    /// One part that fails does not cost the others: the index says what is missing.
    fn keep(&mut self, file: &str, path: &str) {
        let kept = self.api.fetch(path, &[]).and_then(|answer| write(&self.folder.join(file), &answer.body));
        self.results.insert(file.to_owned(), kept.map_or_else(|error| error.to_string(), |()| "captured".to_owned()));
    }

    /// Writes the log as it comes, beside all else, until the program ends.
    pub fn follow_log(&mut self, api: AgentApi) {
        let target = self.folder.join("chancery.log");
        let file = self.folder.join("chancery.log.error");
        std::thread::spawn(move || {
            let followed =
                File::create(&target).map_err(|error| CliError::file(&target.display().to_string(), &error)).and_then(
                    |mut log| api.follow("/v1/agent/monitor", &[("loglevel", "debug")], |piece| log.write_all(piece)),
                );
            if let Err(error) = followed {
                // the directory may be packed already
                _ = fs::write(file, format!("{error}\n"));
            }
        });
    }

    pub fn end(mut self) -> BTreeMap<String, String> {
        if let Ok(error) = fs::read_to_string(self.folder.join("chancery.log.error")) {
            self.results.insert("chancery.log".to_owned(), error.trim_end().to_owned());
        }
        self.results
    }
}

fn write(file: &Path, body: &[u8]) -> Result<(), CliError> {
    let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, body));
    written.map_err(|error| CliError::file(&file.display().to_string(), &error))
}

#[cfg(test)]
mod tests {
    use super::{ALL, Kind};

    #[test]
    fn what_to_capture_is_named() {
        let named = |names: &[&str]| Kind::named(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(named(&[]).expect("all").len(), ALL.len());
        assert!(named(&["metrics,logs", "cluster"]).expect("three") == [Kind::Metrics, Kind::Logs, Kind::Members]);
        assert!(named(&["pprof"]).is_err_and(|told| told.contains("capture actors")));
        assert!(named(&["x"]).is_err_and(|told| told.contains("expected one of agent, host")));
    }
}
