//! The file that tells others which process the agent is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Is there while the agent runs.
pub struct PidFile(PathBuf);

impl PidFile {
    /// # Errors
    /// When the file cannot be written. One that a killed agent left behind is overwritten.
    pub fn write(path: &Path) -> io::Result<Self> {
        fs::write(path, std::process::id().to_string())?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, file = %self.0.display(), "the file with the process's id stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PidFile;

    #[test]
    fn it_is_there_as_long_as_the_agent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let file = PidFile::write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), std::process::id().to_string());
        drop(file);
        assert!(!path.exists());
    }
}
