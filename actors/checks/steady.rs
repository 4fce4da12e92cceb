//! When what a check found is news for everybody. A status always is; what is said beside the same status is passed on
//! only every so often, since each time wakes all who watch the health of the service.

use std::time::Duration;

use tokio::time::Instant;

use chancery::model::{Check, Status};

#[derive(Default)]
pub struct Steady {
    /// What was passed on last, and when. It may be on its way still.
    told: Option<(Status, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// The same status and the same text.
    None,
    /// Another text, and not long ago there was another one.
    Later,
    Now,
}

impl Steady {
    /// What is known may be old: it is compared again at the next run.
    pub fn weigh(&mut self, known: &Check, status: Status, output: &str, every: Duration) -> News {
        if known.status == status && known.output == output {
            return News::None;
        }
        let lately = |(told, at): (Status, Instant)| told == status && at.elapsed() < every;
        if known.status == status && self.told.is_some_and(lately) {
            return News::Later;
        }
        self.tell(status);
        News::Now
    }

    /// It is passed on.
    pub fn tell(&mut self, status: Status) {
        self.told = Some((status, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixtures::check;

    #[tokio::test(start_paused = true)]
    async fn a_text_is_news_once_in_a_while_and_a_status_at_once() {
        let (mut steady, every) = (Steady::default(), Duration::from_secs(60));
        let mut known = Check { status: Status::Passing, ..check("c", "web", None) };
        let mut told = |known: &mut Check, status, output: &str| {
            let news = steady.weigh(known, status, output, every);
            if news == News::Now {
                (known.status, known.output) = (status, output.to_owned());
            }
            news
        };
        assert_eq!(told(&mut known, Status::Passing, ""), News::None);
        assert_eq!(told(&mut known, Status::Passing, "1"), News::Now);
        assert_eq!(told(&mut known, Status::Passing, "2"), News::Later);
        assert_eq!(told(&mut known, Status::Warning, "2"), News::Now);
        tokio::time::advance(every).await;
        assert_eq!(told(&mut known, Status::Warning, "3"), News::Now);
    }
}
