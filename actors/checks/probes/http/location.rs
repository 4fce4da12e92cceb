//! Where a redirect leads: a `Location` header, read against the URL that was asked.

use http::Uri;

/// `None` if it leads nowhere that HTTP can go.
pub fn resolve(base: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next()?;
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let path = base.path();
    let whole = if is_absolute(location) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.is_empty() {
        base.to_string()
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{path}{location}")
    } else {
        let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
        format!("{scheme}://{authority}{folder}{location}")
    };
    whole.parse().ok()
}

fn is_absolute(location: &str) -> bool {
    let scheme = location.split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_against_where_it_was_given() {
        let base: Uri = "http://web:8080/health/live?deep=1".parse().unwrap();
        for (location, leads_to) in [
            ("https://other/ok", "https://other/ok"),
            ("//other/ok", "http://other/ok"),
            ("/ok?a=b#part", "http://web:8080/ok?a=b"),
            ("ready", "http://web:8080/health/ready"),
            ("?deep=0", "http://web:8080/health/live?deep=0"),
            ("/login?next=http://web/", "http://web:8080/login?next=http://web/"),
        ] {
            assert_eq!(resolve(&base, location).unwrap().to_string(), leads_to, "{location}");
        }
        assert_eq!(resolve(&base, "http://"), None);
    }
}
