//! Golden folders: `tests/golden/<kind>/<scenario>/` holds what is given, in Consul's own language, and what each type of
//! resource shall be, as canonical JSON. The way between is the program's own: wire, catalog, facts, generation.
//!
//! `UPDATE_GOLDEN=1` writes what came out in place of what was expected; read the difference before keeping it.

mod expected;
mod given;
mod validate;

use std::fs;
use std::path::{Path, PathBuf};

use chancery::catalog::Tables;
use chancery::fact;
use chancery::generate::Generated;
use chancery_actors::subject::{GrpcSubject, SidecarSubject, Subject};

pub use given::{Given, Who};
pub use validate::{bootstrap, validate};

use crate::setup;

/// One folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    pub name: String,
    folder: PathBuf,
}

impl Scenario {
    /// All scenarios of one kind of proxy, sorted by name.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn all(kind: &str) -> Vec<Self> {
        let folder = setup::root().join("tests/golden").join(kind);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut scenarios: Vec<Self> = entries
            .map(|entry| entry.expect("an entry of a folder can be read").path())
            .filter(|path| path.is_dir())
            .map(|folder| Self { name: name(&folder), folder })
            .collect();
        scenarios.sort_by(|a, b| a.name.cmp(&b.name));
        scenarios
    }

    /// # Panics
    /// When what is given cannot be read, or is refused by the catalog.
    pub fn generate(&self) -> Generated {
        let given = Given::read(&self.folder);
        match given.who {
            Who::Sidecar(node) => generate(&given.tables, SidecarSubject::new(node)),
            Who::Grpc(subscriber) => generate(&given.tables, GrpcSubject::new(subscriber)),
        }
    }

    /// # Errors
    /// With the difference, when what comes out is not what is expected.
    pub fn check(&self) -> Result<(), String> {
        expected::check(&self.folder, &self.generate()).map_err(|difference| format!("{}\n{difference}", self.name))
    }
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Asks for what is needed until it is all there.
fn generate<S: Subject>(tables: &Tables, mut subject: S) -> Generated {
    let mut unanswered = vec![];
    loop {
        let missing = match subject.generate() {
            Ok(generated) => return generated,
            Err(missing) => missing,
        };
        assert_ne!(missing, unanswered, "nothing answers these");
        for topic in &missing {
            subject.learn(topic, &fact::look(tables, topic).fact);
        }
        unanswered = missing;
    }
}
