//! A unix socket: a file that is there while somebody listens.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use axum::serve::Listener;
use tokio::net::{UnixListener, UnixStream};

use super::Caller;

/// Whose the file is, and who may use it; what is absent stays as the system has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SocketOwner {
    pub user: Option<u32>,
    pub group: Option<u32>,
    /// Permission bits.
    pub mode: Option<u32>,
}

/// Taken away when it is dropped.
pub struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
}

impl SocketFile {
    /// Takes the place of a socket that nobody listens at.
    ///
    /// # Errors
    /// When somebody listens there, something else is there, or it cannot be made.
    pub fn open(path: &Path, owner: SocketOwner) -> io::Result<Self> {
        make_room(path)?;
        // it gets its name when it has its owner, so that nobody finds it open
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        _ = fs::remove_file(&draft);
        let listener = UnixListener::bind(&draft)?;
        let named = hand_over(&draft, owner).and_then(|()| fs::rename(&draft, path));
        if let Err(error) = named {
            _ = fs::remove_file(&draft);
            return Err(error);
        }
        Ok(Self { listener, path: path.to_owned() })
    }
}

fn make_room(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name that is no socket"))
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn hand_over(path: &Path, owner: SocketOwner) -> io::Result<()> {
    if owner.user.is_some() || owner.group.is_some() {
        chown(path, owner.user, owner.group)?;
    }
    owner.mode.map_or(Ok(()), |mode| fs::set_permissions(path, Permissions::from_mode(mode)))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.path);
    }
}

impl Listener for SocketFile {
    type Io = UnixStream;
    type Addr = Caller;

    async fn accept(&mut self) -> (UnixStream, Caller) {
        let (stream, _) = Listener::accept(&mut self.listener).await;
        (stream, Caller::Local)
    }

    fn local_addr(&self) -> io::Result<Caller> {
        Ok(Caller::Local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_there_while_somebody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let owner = SocketOwner { mode: Some(0o600), ..SocketOwner::default() };
        let first = SocketFile::open(&path, owner).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = SocketFile::open(&path, owner).err().unwrap();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_agent_left_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists() && SocketFile::open(&path, SocketOwner::default()).is_ok());
        fs::write(&path, "somebody's").unwrap();
        let refused = SocketFile::open(&path, SocketOwner::default()).err().unwrap();
        assert!(refused.to_string().contains("no socket"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
    }
}
