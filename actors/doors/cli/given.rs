//! What a command line gives by itself, by a file, or on standard input.

use std::io::Read as _;

use super::error::CliError;

/// `text` as it is, `@file`, or `-` for standard input.
pub(super) fn data(given: &str) -> Result<Vec<u8>, CliError> {
    if given == "-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(|error| CliError::file("standard input", &error))?;
        return Ok(text);
    }
    match given.strip_prefix('@') {
        Some(file) => std::fs::read(file).map_err(|error| CliError::file(file, &error)),
        None => Ok(given.as_bytes().to_vec()),
    }
}

/// A filter, which may be given in the same ways.
pub(super) fn expression(given: &str) -> Result<String, String> {
    let text = data(given).map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|error| format!("{given} is no text: {error}"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn an_expression_stands_in_a_file_or_for_itself() {
        assert_eq!(expression("Port == 80").as_deref(), Ok("Port == 80"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("f");
        let given = format!("@{}", file.display());
        assert!(expression(&given).is_err_and(|told| told.contains("No such file")));
        std::fs::write(&file, "Port == 80\n").expect("it can be written");
        assert_eq!(expression(&given).as_deref(), Ok("Port == 80"));
    }
}
