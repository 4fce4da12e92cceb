//! What is expected: a file per type of resource that there is, and one for what was refused.

use std::path::Path;
use std::{env, fs};

use chancery::canonical;
use chancery::generate::Generated;
use chancery::resource::ResourceType;
use serde_json::Value;

/// Every file that a scenario can have, with what it holds now.
fn files(generated: &Generated) -> Vec<(String, Option<String>)> {
    let resources = ResourceType::ALL.map(|kind| (format!("{kind}s.json"), told(generated, kind)));
    let refusals: Vec<String> = generated.refusals.iter().map(|refusal| format!("{refusal}\n")).collect();
    let refusals = (!refusals.is_empty()).then(|| refusals.concat());
    resources.into_iter().chain([("refusals.txt".to_owned(), refusals)]).collect()
}

fn told(generated: &Generated, kind: ResourceType) -> Option<String> {
    let resources = generated.view.list(kind);
    let told: Vec<Value> = resources
        .iter()
        .map(|resource| {
            let any = resource.any().expect("what was encoded can be decoded");
            canonical::json(&any).unwrap_or_else(|error| panic!("{resource:?}: {error}"))
        })
        .collect();
    let pretty = |told| serde_json::to_string_pretty(&told).expect("a value is JSON") + "\n";
    (!told.is_empty()).then(|| pretty(told))
}

pub(super) fn check(folder: &Path, generated: &Generated) -> Result<(), String> {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let mut differences = String::new();
    for (file, now) in files(generated) {
        let path = folder.join(&file);
        let expected = fs::read_to_string(&path).ok();
        if expected == now {
            continue;
        }
        if update {
            match now {
                Some(now) => fs::write(&path, now),
                None => fs::remove_file(&path),
            }
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            continue;
        }
        differences += &format!("  {file} (- expected, + now; UPDATE_GOLDEN=1 takes over what is now)\n");
        differences += &difference(&expected.unwrap_or_default(), &now.unwrap_or_default());
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// What lies between the lines that are the same at the start and at the end, with a little of those around it.
fn difference(expected: &str, now: &str) -> String {
    const AROUND: usize = 3;
    let (expected, now): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), now.lines().collect());
    let start = expected.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let ends = expected[start..].iter().rev().zip(now[start..].iter().rev());
    let end = ends.take_while(|(a, b)| a == b).count();
    let before = expected[start.saturating_sub(AROUND)..start].iter().map(|line| format!("    {line}\n"));
    let gone = expected[start..expected.len() - end].iter().map(|line| format!("  - {line}\n"));
    let new = now[start..now.len() - end].iter().map(|line| format!("  + {line}\n"));
    let after = now[now.len() - end..].iter().take(AROUND).map(|line| format!("    {line}\n"));
    before.chain(gone).chain(new).chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_both_sides_and_their_surroundings() {
        let shown = difference("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nX\nY\nf\n");
        assert_eq!(shown, "    b\n    c\n    d\n  - e\n  + X\n  + Y\n    f\n");
    }

    #[test]
    fn lines_that_only_came_are_shown_as_new() {
        assert_eq!(difference("a\nb\n", "a\na\nb\n"), "    a\n  + a\n    b\n");
    }
}
