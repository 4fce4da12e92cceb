//! Command lines as Consul's users write them: one dash or two.

use std::ffi::OsString;

/// Gives every long flag its second dash: `-data-dir=x` becomes `--data-dir=x`. Flags of one letter, numbers, and
/// everything after `--` stay.
pub fn long_flags(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut ours = true;
    args.map(|arg| {
        ours &= arg != "--";
        if ours && is_long_with_one_dash(&arg) {
            let mut long = OsString::from("-");
            long.push(arg);
            long
        } else {
            arg
        }
    })
    .collect()
}

fn is_long_with_one_dash(arg: &OsString) -> bool {
    // a value may be anything, but a flag's name is plain text
    let [b'-', first, second, ..] = arg.as_encoded_bytes() else { return false };
    first.is_ascii_alphabetic() && *second != b'='
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_flag_gets_its_second_dash_and_nothing_else_does() {
        let given = ["agent", "-dev", "--node=a", "-data-dir=/x", "-v", "-p=1", "-1", "-", "--", "-dev"];
        let expected = ["agent", "--dev", "--node=a", "--data-dir=/x", "-v", "-p=1", "-1", "-", "--", "-dev"];
        assert_eq!(long_flags(given.into_iter().map(OsString::from)), expected.map(OsString::from));
    }
}
