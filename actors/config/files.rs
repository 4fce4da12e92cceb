//! Configuration files, found and read.

use std::path::{Path, PathBuf};

use chancery::wire::{Document, Format};

use super::agent_flags::{AgentFlags, ConfigFormat, ConfigPath};
use super::problem::Problem;

pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) document: Document,
}

/// In the order of the flags; those of a directory by name; last what the command line says itself.
pub(super) fn read(flags: &AgentFlags, problems: &mut Vec<Problem>, warnings: &mut Vec<String>) -> Vec<File> {
    let format = flags.config_format.map(|format| match format {
        ConfigFormat::Hcl => Format::Hcl,
        ConfigFormat::Json => Format::Json,
    });
    let mut files = Vec::new();
    for path in &flags.config_paths.0 {
        match path {
            ConfigPath::File(path) if !path.is_dir() => files.push(path.clone()),
            ConfigPath::Dir(path) if !path.exists() => {
                warnings.push(format!("{}: this directory does not exist", path.display()));
            }
            ConfigPath::File(path) | ConfigPath::Dir(path) => match in_directory(path, format.is_some()) {
                Ok(found) => files.extend(found),
                Err(error) => problems.push(Problem::of_file(path.clone(), &error)),
            },
        }
    }
    let texts = flags.hcl.iter().map(|text| {
        let path = PathBuf::from("flag -hcl");
        let document = Document::read(text, Format::Hcl).map_err(|error| Problem::of_syntax(path.clone(), &error));
        (path, document)
    });
    let files = files.into_iter().map(|path| {
        let document = one(&path, format);
        (path, document)
    });
    let document = |(path, document)| match document {
        Ok(document) => Some(File { path, document }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    files.chain(texts).filter_map(document).collect()
}

/// With a format given, whatever its files are called.
fn in_directory(directory: &Path, all: bool) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|extension| extension == "hcl" || extension == "json");
        if (all || ours) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn one(path: &Path, format: Option<Format>) -> Result<Document, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem::of_file(path.to_owned(), &error))?;
    Document::read(&text, format.unwrap_or_else(|| Format::of(path)))
        .map_err(|error| Problem::of_syntax(path.to_owned(), &error))
}
