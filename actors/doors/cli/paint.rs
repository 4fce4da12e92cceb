//! Colours, for a person at a terminal and for nobody else.

use std::io::{self, IsTerminal as _};

use super::flags::env;

/// Whether standard output is a terminal, and nobody said `NO_COLOR`.
fn colours() -> bool {
    io::stdout().is_terminal() && env("NO_COLOR").is_none()
}

/// A state in its colour: green for what is well, yellow for what is not quite, red for what is not.
pub(super) fn state(word: &str) -> String {
    if colours() { painted(word) } else { word.to_owned() }
}

fn painted(word: &str) -> String {
    let colour = match word {
        "passing" | "alive" | "allow" => 32,
        "warning" | "leaving" | "maintenance" => 33,
        "critical" | "failed" | "deny" => 31,
        _ => return word.to_owned(),
    };
    format!("\u{1b}[{colour}m{word}\u{1b}[0m")
}

/// How many columns a text takes, its colours aside.
pub(super) fn width(text: &str) -> usize {
    let mut width = 0;
    let mut in_escape = false;
    for letter in text.chars() {
        match letter {
            '\u{1b}' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            _ => width += 1,
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::{painted, state, width};

    #[test]
    fn colours_take_no_room() {
        assert_eq!(painted("critical"), "\u{1b}[31mcritical\u{1b}[0m");
        assert_eq!(width(&painted("critical")), "critical".len());
        assert_eq!(painted("web"), "web");
    }

    #[test]
    fn a_test_is_no_terminal() {
        assert!(std::io::IsTerminal::is_terminal(&std::io::stdout()) || state("passing") == "passing");
    }
}
