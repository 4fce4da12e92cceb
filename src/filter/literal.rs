//! Literals, as Go reads them.

/// What stands between double quotes, without its escapes; `None` when one is none of Go's, or at a line's end.
pub(super) fn unquote(quoted: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\n' => return None,
            '\\' => rest = escape(rest, &mut bytes)?,
            _ => push(letter, &mut bytes),
        }
    }
    Some(bytes)
}

/// What follows a backslash; returns what comes after it.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let letter = rest.chars().next()?;
    let after = &rest[letter.len_utf8()..];
    let byte = match letter {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        'x' => {
            let (number, after) = digits(after, 2, 16)?;
            bytes.push(u8::try_from(number).ok()?);
            return Some(after);
        }
        'u' | 'U' => {
            let (number, after) = digits(after, if letter == 'u' { 4 } else { 8 }, 16)?;
            push(char::from_u32(number)?, bytes);
            return Some(after);
        }
        '0'..='7' => {
            let (number, after) = digits(rest, 3, 8)?;
            bytes.push(u8::try_from(number).ok()?);
            return Some(after);
        }
        _ => return None,
    };
    bytes.push(byte);
    Some(after)
}

fn push(letter: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(count)?;
    let all = digits.chars().all(|digit| digit.is_digit(radix));
    let number = u32::from_str_radix(digits, radix).ok().filter(|_| all)?;
    Some((number, after))
}

/// A whole number: decimal, or with the prefixes 0x, 0o, 0 and 0b; between digits there may be underscores.
pub(super) fn whole(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    // an underscore stands between two digits, or between the prefix and a digit
    let after_prefix = radix != 10;
    let misplaced = digits.contains("__") || digits.ends_with('_') || (!after_prefix && digits.starts_with('_'));
    let plain = digits.replace('_', "");
    if misplaced || plain.is_empty() || !plain.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(&if negative { format!("-{plain}") } else { plain }, radix).ok()
}

pub(super) fn flag(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"t" | b"T" | b"true" | b"True" | b"TRUE" => Some(true),
        b"0" | b"f" | b"F" | b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        let text = |quoted: &str| unquote(quoted).map(|bytes| String::from_utf8(bytes).expect("text"));
        assert_eq!(text(r"a\tb\\c\x41\u00e9\U0001F600\101"), Some("a\tb\\cAé😀A".to_owned()));
        assert_eq!(unquote(r"\xff"), Some(vec![0xff]));
        for wrong in [r"\q", r"\'", r"\x4", r"\x+4", r"\ud800", r"\8", r"\400", "\\", "a\nb"] {
            assert_eq!(unquote(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn whole_numbers_are_those_of_go() {
        for (text, number) in [("0", 0), ("-17", -17), ("+5", 5), ("0x1F", 31), ("0b101", 5), ("0o17", 15), ("017", 15)]
        {
            assert_eq!(whole(text.as_bytes()), Some(number), "{text}");
        }
        assert_eq!(whole(b"1_000"), Some(1000));
        assert_eq!(whole(b"0x_f"), Some(15));
        assert_eq!(whole(b"-9223372036854775808"), Some(i64::MIN));
        for wrong in ["", "-", "9223372036854775808", "1_", "_1", "1__0", "08", "0x", "1.5", "1e3", " 1", "--1"] {
            assert_eq!(whole(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
