//! When a result becomes a status: how many of a kind in a row it takes.

use chancery::model::{CheckDefinition, Status};

/// Counts results in a row. A warning counts as a success, as the instance did answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thresholds {
    success_before_passing: u32,
    failures_before_warning: u32,
    failures_before_critical: u32,
    successes: u32,
    failures: u32,
}

impl Thresholds {
    /// 0 and 1 are the same: the first result counts. Failures before a warning are as many as before critical when
    /// they are not given, so there is no warning on the way.
    pub fn of(definition: &CheckDefinition) -> Self {
        let critical = definition.failures_before_critical;
        let warning = match definition.failures_before_warning {
            0 => critical,
            given => given,
        };
        Self {
            success_before_passing: definition.success_before_passing,
            failures_before_warning: warning,
            failures_before_critical: critical,
            successes: 0,
            failures: 0,
        }
    }

    /// The status after this result; `None`: it takes more of them, what is known stays.
    pub fn judge(&mut self, result: Status) -> Option<Status> {
        match result {
            Status::Passing | Status::Warning => {
                self.failures = 0;
                self.successes = self.successes.saturating_add(1);
                (self.successes >= self.success_before_passing).then_some(result)
            }
            Status::Critical => {
                self.successes = 0;
                self.failures = self.failures.saturating_add(1);
                if self.failures >= self.failures_before_critical {
                    Some(Status::Critical)
                } else {
                    (self.failures >= self.failures_before_warning).then_some(Status::Warning)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Critical, Passing, Warning};

    fn thresholds(passing: u32, warning: u32, critical: u32) -> Thresholds {
        Thresholds {
            success_before_passing: passing,
            failures_before_warning: warning,
            failures_before_critical: critical,
            successes: 0,
            failures: 0,
        }
    }

    fn judge(mut thresholds: Thresholds, results: &[Status]) -> Vec<Option<Status>> {
        results.iter().map(|result| thresholds.judge(*result)).collect()
    }

    #[test]
    fn without_thresholds_each_result_counts() {
        let statuses = judge(thresholds(0, 0, 0), &[Passing, Critical, Warning, Passing]);
        assert_eq!(statuses, [Some(Passing), Some(Critical), Some(Warning), Some(Passing)]);
    }

    #[test]
    fn it_takes_as_many_failures_in_a_row_as_asked_for() {
        let statuses =
            judge(thresholds(0, 3, 3), &[Critical, Critical, Passing, Critical, Critical, Critical, Critical]);
        assert_eq!(statuses, [None, None, Some(Passing), None, None, Some(Critical), Some(Critical)]);
    }

    #[test]
    fn it_takes_as_many_successes_in_a_row_as_asked_for() {
        let statuses = judge(thresholds(2, 0, 0), &[Critical, Passing, Critical, Passing, Passing, Warning]);
        assert_eq!(statuses, [Some(Critical), None, Some(Critical), None, Some(Passing), Some(Warning)]);
    }

    #[test]
    fn a_warning_comes_on_the_way_to_critical_when_asked_for() {
        let statuses = judge(thresholds(0, 2, 4), &[Critical, Critical, Critical, Critical]);
        assert_eq!(statuses, [None, Some(Warning), Some(Warning), Some(Critical)]);
    }

    #[test]
    fn failures_before_a_warning_are_those_before_critical_when_not_given() {
        let definition = crate::checks::fixtures::tcp("localhost:1");
        let definition = CheckDefinition { failures_before_critical: 3, ..definition };
        assert_eq!(judge(Thresholds::of(&definition), &[Critical, Critical, Critical]), [None, None, Some(Critical)]);
    }
}
