//! Configuration files, found and read.

use std::path::{Path, PathBuf};

use chancery::wire::{Document, Format};

use super::agent_flags::{ConfigPath, ConfigPaths};
use super::problem::Problem;

pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) document: Document,
}

/// In the order of the flags; those of a directory by name.
pub(super) fn read(paths: &ConfigPaths, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Vec<File> {
    let mut files = Vec::new();
    for path in &paths.0 {
        match path {
            ConfigPath::File(path) if !path.is_dir() => files.push(path.clone()),
            ConfigPath::Dir(path) if !path.exists() => {
                warnings.push(format!("{}: this directory does not exist", path.display()));
            }
            ConfigPath::File(path) | ConfigPath::Dir(path) => match in_directory(path) {
                Ok(found) => files.extend(found),
                Err(error) => problems.push(Problem::of_file(path.clone(), &error)),
            },
        }
    }
    let document = |path: PathBuf| match one(&path) {
        Ok(document) => Some(File { path, document }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    files.into_iter().filter_map(document).collect()
}

fn in_directory(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|extension| extension == "hcl" || extension == "json");
        if ours && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn one(path: &Path) -> Result<Document, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem::of_file(path.to_owned(), &error))?;
    Document::read(&text, Format::of(path)).map_err(|error| Problem::of_syntax(path.to_owned(), &error))
}
