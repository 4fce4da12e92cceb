//! What a check has to say, kept to a size.

/// Bytes kept of a check that sets no limit.
const DEFAULT_MAX_BYTES: usize = 4096;

/// The limit in bytes; 0 is the default.
pub fn limit(output_max_size: u32) -> usize {
    match output_max_size {
        0 => DEFAULT_MAX_BYTES,
        bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
    }
}

/// The beginning of the text, cut between characters, and a note of how much is missing.
pub fn bounded(mut text: String, output_max_size: u32) -> String {
    let (limit, whole) = (limit(output_max_size), text.len());
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
        assert_eq!(bounded("x".repeat(4096), 0).len(), 4096);
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(bounded("grün".to_owned(), 3), "gr ... (captured 2 of 5 bytes)");
    }
}
