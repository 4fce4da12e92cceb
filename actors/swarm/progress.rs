//! One line on the terminal that says how far a round is. Silent when nobody watches.

use std::io::{self, IsTerminal as _, Write as _};

const WIDTH: usize = 30;

pub struct Progress {
    watched: bool,
}

impl Progress {
    pub fn new() -> Self {
        Self { watched: io::stderr().is_terminal() }
    }

    pub fn show(&self, what: &str, done: u64, of: usize) {
        if self.watched {
            _ = write!(io::stderr(), "\r\x1b[K{what:<14} {} {done} of {of}", bar(done, of));
        }
    }

    pub fn clear(&self) {
        if self.watched {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn bar(done: u64, of: usize) -> String {
    let full = usize::try_from(done).unwrap_or(of).min(of) * WIDTH / of.max(1);
    format!("[{}{}]", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, bar};

    #[test]
    fn a_bar_fills_up_and_never_overflows() {
        for (done, full) in [(0, 0), (50, WIDTH / 2), (100, WIDTH), (101, WIDTH)] {
            assert_eq!(bar(done, 100).matches('#').count(), full, "{done}");
        }
        assert_eq!(bar(0, 0).len(), WIDTH + 2);
    }
}
