//! A directory as one file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Only its owner may read it: the log may say more than is meant for others.
pub(super) fn pack(folder: &Path, archive: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(archive)?;
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    tar.append_dir_all(folder.file_name().unwrap_or_default(), folder)?;
    let file: File = tar.into_inner()?.finish()?;
    file.sync_all()
}
