//! Names as addresses: `xdstp://authority/type/path?context parameters`. The order of the parameters does not matter, so
//! two spellings may mean one resource; the canonical one is sorted. A path that ends in `/*` is a glob: it stands for
//! all that differ from it in the last part of the path alone. Every other name is just a name.

use std::borrow::Cow;

const SCHEME: &str = "xdstp:";

/// The spelling that all spellings of a name have in common.
pub fn canonical(name: &str) -> Cow<'_, str> {
    let Some((path, parameters)) = split(name) else { return Cow::Borrowed(name) };
    let mut sorted: Vec<&str> = parameters.split('&').filter(|parameter| !parameter.is_empty()).collect();
    sorted.sort_unstable();
    let parameters = sorted.join("&");
    let own = if parameters.is_empty() { path.to_owned() } else { format!("{path}?{parameters}") };
    if own == name { Cow::Borrowed(name) } else { Cow::Owned(own) }
}

/// The name is of the form that this is about.
pub fn is_address(name: &str) -> bool {
    name.starts_with(SCHEME)
}

/// `name`, canonical or not, stands for others.
pub fn is_glob(name: &str) -> bool {
    split(name).is_some_and(|(path, _)| path.ends_with("/*"))
}

/// The one glob that stands for a name; canonical if that is.
pub fn glob_of(name: &str) -> Option<String> {
    let (path, _) = split(name)?;
    let (folder, last) = path.rsplit_once('/')?;
    (last != "*").then(|| format!("{folder}/*{}", &name[path.len()..]))
}

/// The name of a glob's member with the parameters as they are spelled in the glob.
pub fn in_the_spelling_of(glob: &str, member: &str) -> String {
    let (path, _) = split(member).unwrap_or((member, ""));
    let (folder, _) = split(glob).unwrap_or((glob, ""));
    format!("{path}{}", &glob[folder.len()..])
}

/// Path and parameters; `None`: an ordinary name.
fn split(name: &str) -> Option<(&str, &str)> {
    is_address(name).then(|| name.split_once('?').unwrap_or((name, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    // row 130
    #[test]
    fn the_order_of_parameters_does_not_matter() {
        assert_eq!(canonical("xdstp://a/T/x?b=2&a=1"), "xdstp://a/T/x?a=1&b=2");
        assert!(matches!(canonical("xdstp://a/T/x?a=1&b=2"), Cow::Borrowed(_)));
        assert_eq!(canonical("xdstp://a/T/x?"), "xdstp://a/T/x");
        assert_eq!(canonical("plain?b&a"), "plain?b&a");
    }

    // row 131
    #[test]
    fn a_glob_ends_its_path_before_the_parameters() {
        assert!(is_glob("xdstp://a/T/foo/*?b=2&a=1"));
        assert!(is_glob("xdstp://a/T/*"));
        assert!(!is_glob("xdstp://a/T/foo?p=/*"));
        assert!(!is_glob("a/*"));
        assert_eq!(glob_of("xdstp://a/T/foo/x?a=1").as_deref(), Some("xdstp://a/T/foo/*?a=1"));
        assert_eq!(glob_of("xdstp://a/T/foo/*?a=1"), None);
        assert_eq!(glob_of("foo/x"), None);
        let spelled = in_the_spelling_of("xdstp://a/T/foo/*?b=2&a=1", "xdstp://a/T/foo/x?a=1&b=2");
        assert_eq!(spelled, "xdstp://a/T/foo/x?b=2&a=1");
    }
}
