//! Asking an instance how it is, once: the question, the answer, and whoever is asked to ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use chancery::model::{CheckDefinition, Status, Target};

use super::output;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

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
    pub fn new(target: Target, definition: &CheckDefinition) -> Self {
        let timeout = if definition.timeout.is_zero() { DEFAULT_TIMEOUT } else { definition.timeout };
        Self { target, timeout, output_limit: output::limit(definition.output_max_size) }
    }
}
