//! Constraints on versions, as in `>= 1.16.0, < 1.18.0`.

/// Whether the version holds every comparison; an empty constraint holds for all. What is no number counts as 0.
pub fn holds(constraint: &str, version: &str) -> bool {
    constraint.split(',').map(str::trim).filter(|part| !part.is_empty()).all(|part| compare(part, version))
}

fn compare(part: &str, version: &str) -> bool {
    let at = part.find(|letter: char| letter.is_ascii_digit()).unwrap_or(part.len());
    let (operator, bound) = part.split_at(at);
    let (found, wanted) = (numbers(version), numbers(bound));
    match operator.trim() {
        ">" => found > wanted,
        ">=" => found >= wanted,
        "<" => found < wanted,
        "<=" => found <= wanted,
        "!=" => found != wanted,
        // the last number that is given may grow, those before it may not
        "~>" => {
            let fixed = bound.split('.').count().saturating_sub(1).max(1);
            found >= wanted && found[..fixed] == wanted[..fixed]
        }
        _ => found == wanted,
    }
}

fn numbers(version: &str) -> [u32; 3] {
    let mut numbers = version.split('.').map(|number| number.trim().parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn every_comparison_must_hold() {
        for (constraint, wanted) in [
            ("", true),
            ("1.21.4", true),
            ("= 1.21.4", true),
            ("= 1.21", false),
            ("!= 1.21.4", false),
            (">= 1.16.0", true),
            ("> 1.21.4", false),
            (">= 1.16.0, < 1.21.0", false),
            (">=1.16,<2", true),
            ("~> 1.21.0", true),
            ("~> 1.20", true),
            ("~> 1.20.0", false),
            ("<= 1.21.4", true),
        ] {
            assert_eq!(holds(constraint, "1.21.4"), wanted, "{constraint:?}");
        }
    }
}
