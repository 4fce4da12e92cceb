//! How the demo talks: numbered steps with what they took, a line of progress while it waits, small bar charts.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{interval, sleep};

use chancery_tests::mesh::Tally;

/// The widest bar.
const BAR_WIDTH: usize = 40;
const SPINNER: &[char] = &['|', '/', '-', '\\'];

pub(crate) struct Narrator {
    began: Instant,
    step_began: Instant,
    step: usize,
}

impl Narrator {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { began: now, step_began: now, step: 0 }
    }

    /// Opens the next step.
    pub(crate) fn step(&mut self, title: &str) {
        self.step += 1;
        self.step_began = Instant::now();
        println!("\n{:>2}. {title}", self.step);
    }

    /// Something worth knowing.
    #[allow(clippy::unused_self, reason = "whoever talks has the narrator in hand")]
    pub(crate) fn say(&self, text: &str) {
        println!("    {text}");
    }

    /// A command or request, as the reader could give it.
    pub(crate) fn command(&self, text: &str) {
        self.say(&format!("$ {text}"));
    }

    /// Closes the step with what came of it.
    pub(crate) fn done(&self, text: &str) {
        println!("    => {text}  ({:.2} s)", self.step_began.elapsed().as_secs_f32());
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows that something is awaited, until the future is done.
    pub(crate) async fn wait<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let _progress = Progress::start(what);
        future.await
    }

    pub(crate) fn chart(&self, tally: &Tally) {
        let most = tally.values().copied().max().unwrap_or(1);
        for (name, calls) in tally {
            let name = if name.is_empty() { "(failed)" } else { name };
            self.say(&format!("{name:<10} {} {calls}", "#".repeat(bar(*calls, most))));
        }
    }
}

fn bar(calls: usize, most: usize) -> usize {
    (calls * BAR_WIDTH).div_ceil(most.max(1))
}

/// A line that moves on a terminal, and elsewhere a line that says once what takes its time.
struct Progress {
    task: JoinHandle<()>,
    moves: bool,
}

impl Progress {
    fn start(what: &str) -> Self {
        let what = what.to_owned();
        let moves = io::stdout().is_terminal();
        let task = tokio::spawn(async move {
            if moves {
                spin(&what).await;
            } else {
                sleep(Duration::from_secs(1)).await;
                println!("    … waiting for {what}");
            }
        });
        Self { task, moves }
    }
}

async fn spin(what: &str) {
    let began = Instant::now();
    let mut tick = interval(Duration::from_millis(100));
    for sign in SPINNER.iter().cycle() {
        tick.tick().await;
        print!("\r    {sign} waiting for {what}, {:.1} s ", began.elapsed().as_secs_f32());
        _ = io::stdout().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
        if self.moves {
            // back to the start, and clear to the end
            print!("\r\x1b[K");
            _ = io::stdout().flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_calls_have_the_widest_bar_and_one_call_is_seen() {
        assert_eq!(bar(20, 20), BAR_WIDTH);
        assert_eq!(bar(1, 1000), 1);
        assert_eq!(bar(0, 20), 0);
    }
}
