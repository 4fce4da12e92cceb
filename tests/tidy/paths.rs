//! The paths that a file names, in `use` lines and in code, written out in full.

use crate::source::Source;

/// Of `src/a/mod.rs`: `a`; of `actors/doors/http/b.rs`: `doors`, `http`, `b`.
pub(crate) fn module_of(path: &str) -> Vec<String> {
    let parts = path.split('/').skip(1).map(|part| part.trim_end_matches(".rs"));
    parts.filter(|part| *part != "mod").map(str::to_owned).collect()
}

/// Each path of two segments or more, and each that is used whole, as `crate::…`, `chancery::…`, `std::…` or
/// `library::…`; `super` and `self` are resolved.
pub(crate) fn paths(source: &Source) -> Vec<String> {
    let tokens = tokens(&source.code());
    let module = module_of(&source.path);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = is_name(&tokens[at]) && (at == 0 || tokens[at - 1] != "::");
        let in_use = at > 0 && tokens[at - 1] == "use";
        if starts && (in_use || tokens.get(at + 1).is_some_and(|next| next == "::")) {
            at = tree(&tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found.iter().map(|path| resolve(path, &module)).collect()
}

/// Reads one use tree (or plain path) from `at`; gives where it ends.
fn tree(tokens: &[String], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    let before = at;
                    at = tree(tokens, at, &path, found);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                    // whatever this is, it is no use tree
                    at += usize::from(at == before);
                }
                return at + 1;
            }
            name if is_name(name) || name == "*" => path.push(name.to_owned()),
            _ => break,
        }
        at += 1;
        match (tokens.get(at).map(String::as_str), tokens.get(at + 1)) {
            (Some("::"), Some(next)) if is_name(next) || next == "{" || next == "*" => at += 1,
            (Some("as"), _) => {
                at += 2;
                break;
            }
            _ => break,
        }
    }
    found.push(path);
    at
}

/// Replaces leading `self` and `super` by where they lead.
fn resolve(path: &[String], module: &[String]) -> String {
    let climbs = path.iter().take_while(|part| *part == "super").count();
    let is_self = path.first().is_some_and(|part| part == "self");
    if climbs == 0 && !is_self {
        return path.join("::");
    }
    let base = &module[..module.len().saturating_sub(climbs)];
    let rest = path.iter().skip(climbs.max(usize::from(is_self)));
    std::iter::once("crate").chain(base.iter().chain(rest).map(String::as_str)).collect::<Vec<_>>().join("::")
}

fn is_name(token: &str) -> bool {
    token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// Words, `::`, and every other sign by itself.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_whitespace() {
            continue;
        }
        let mut token = letter.to_string();
        if letter.is_alphanumeric() || letter == '_' {
            while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || *next == '_') {
                token.push(next);
            }
        } else if letter == ':' && letters.next_if_eq(&':').is_some() {
            token.push(':');
        }
        tokens.push(token);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths_of(text: &str) -> Vec<String> {
        paths(&Source::new("src/wire/entry/mod.rs", text))
    }

    #[test]
    fn trees_are_written_out() {
        assert_eq!(
            paths_of("use crate::{a, b::{C, d::*}, e as f};\nuse tokio;"),
            ["crate::a", "crate::b::C", "crate::b::d::*", "crate::e", "tokio"]
        );
    }

    #[test]
    fn paths_in_code_count_too() {
        assert_eq!(paths_of("let a: crate::b::C = d(std::fs::read::<u8>(e));"), ["crate::b::C", "std::fs::read"]);
    }

    #[test]
    fn super_and_self_are_resolved() {
        assert_eq!(
            paths_of("use super::A;\nuse super::super::b::C;\nuse self::d::E;"),
            ["crate::wire::A", "crate::b::C", "crate::wire::entry::d::E"]
        );
    }

    #[test]
    fn a_file_is_a_module() {
        assert_eq!(module_of("actors/doors/http/status.rs"), ["doors", "http", "status"]);
        assert_eq!(module_of("src/wire/mod.rs"), ["wire"]);
    }
}
