//! `unix_sockets { … }`: whose the files of unix sockets are.

/// A user, by number or name.
pub(super) fn user(text: &str) -> Result<u32, String> {
    id(text, "user", "/etc/passwd")
}

/// A group, by number or name.
pub(super) fn group(text: &str) -> Result<u32, String> {
    id(text, "group", "/etc/group")
}

fn id(text: &str, what: &str, file: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let names = std::fs::read_to_string(file).unwrap_or_default();
    named(&names, text).ok_or_else(|| format!("{file} knows no {what} {text:?}: give its number"))
}

/// Lines of `name:password:number:…`.
fn named(names: &str, wanted: &str) -> Option<u32> {
    names.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == wanted).then(|| fields.nth(1)?.parse().ok())?
    })
}

/// Permission bits, in octal.
pub(super) fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| format!("expected permission bits such as 0660, got {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_and_a_number_is_itself() {
        let names = "root:x:0:0:root:/root:/bin/sh\nconsul:x:998:997::/:/bin/false\nbroken:x\n";
        assert_eq!((named(names, "consul"), named(names, "x"), named(names, "broken")), (Some(998), None, None));
        assert_eq!((user("1000"), user("root"), group("root")), (Ok(1000), Ok(0), Ok(0)));
        assert!(user("nobody we know").unwrap_err().ends_with("give its number"));
    }

    #[test]
    fn permission_bits_are_octal() {
        assert_eq!((mode("0660"), mode("777")), (Ok(0o660), Ok(0o777)));
        assert!(mode("0999").is_err() && mode("rw").is_err() && mode("7777").is_err());
    }
}
