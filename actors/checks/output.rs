//! What a check has to say, kept to a size.

/// The limit in bytes: the check's own (0: none), if it is not more than the agent's.
pub fn limit(of_check: u32, of_agent: u32) -> usize {
    let bytes = if of_check == 0 { of_agent } else { of_check.min(of_agent) };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The beginning of the text, cut between characters, and a note of how much is missing.
pub fn bounded(mut text: String, limit: usize) -> String {
    let whole = text.len();
    if whole > limit {
        let kept = (0..=limit).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(kept);
        text.push_str(&format!(" ... (captured {kept} of {whole} bytes)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(bounded("fine".to_owned(), 4), "fine");
        assert_eq!(bounded("x".repeat(4096), 4096).len(), 4096);
    }

    #[test]
    fn a_check_may_ask_for_less_than_the_agent_keeps() {
        assert_eq!((limit(0, 4096), limit(100, 4096), limit(8192, 4096)), (4096, 100, 4096));
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(bounded("grün".to_owned(), 3), "gr ... (captured 2 of 5 bytes)");
    }
}
