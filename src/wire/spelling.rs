//! Keys as people write them: `CheckID`, `check_id` and `checkid` are one.

/// The form in which keys are compared: lower case, without underscores.
pub fn normal(key: &str) -> String {
    key.chars().filter(|&letter| letter != '_').flat_map(char::to_lowercase).collect()
}

pub fn same(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// The candidate that `word` was probably meant to be, if one is near enough to be worth naming.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normal(word);
    let near = |candidate: &&'a str| {
        let candidate = normal(candidate);
        // a word cut short is nearer than any slip
        if word.len() >= 3 && candidate.starts_with(&word) { 0 } else { distance(&word, &candidate) }
    };
    let found = candidates.into_iter().min_by_key(near)?;
    // one slip in a short word, two in a longer one, three in a long one
    let allowed = match word.chars().count() {
        0..=4 => 1,
        5..=9 => 2,
        _ => 3,
    };
    (near(&found) <= allowed).then_some(found)
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_key_is_one() {
        for key in ["CheckID", "check_id", "checkid", "CHECK_ID"] {
            assert_eq!(normal(key), "checkid");
        }
    }

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["Protocol", "Meta", "Port"];
        assert_eq!(nearest("Protcol", known), Some("Protocol"));
        assert_eq!(nearest("prot", known), Some("Protocol"));
        assert_eq!(nearest("Prt", known), Some("Port"));
        assert_eq!(nearest("Banana", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
