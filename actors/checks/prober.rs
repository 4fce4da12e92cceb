//! Asking an instance how it is, once: the question, the answer, and whoever is asked to ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use chancery::model::{CheckDefinition, Status, Target};

use super::output;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT_OF_PROGRAMS: Duration = Duration::from_secs(30);

/// What is asked in one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    pub target: Target,
    pub timeout: Duration,
    /// Bytes of the answer that are kept.
    pub output_limit: usize,
}

/// What one run found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    pub status: Status,
    pub output: String,
}

impl Found {
    pub fn critical(output: String) -> Self {
        Self { status: Status::Critical, output }
    }
}

pub trait Prober: Send + Sync {
    /// Asks once. Answers, at the latest, when the question's timeout is over.
    fn ask(&self, question: Arc<Question>) -> BoxFuture<'static, Found>;
}

impl Question {
    pub fn new(target: Target, definition: &CheckDefinition, output_max_bytes: u32) -> Self {
        let timeout = match (&target, definition.timeout) {
            (Target::Script(_), Duration::ZERO) => DEFAULT_TIMEOUT_OF_PROGRAMS,
            (_, Duration::ZERO) => DEFAULT_TIMEOUT,
            (_, given) => given,
        };
        Self { target, timeout, output_limit: output::limit(definition.output_max_size, output_max_bytes) }
    }
}
