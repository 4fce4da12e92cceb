//! Becomes Envoy. The bootstrap holds the token, so it is neither on the command line (which everyone can read) nor in a
//! file that stays: it goes through a named pipe that only this user can open, written by a child that removes it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, fcntl_setfl, mkfifoat};
use rustix::io::Errno;

use crate::doors::cli::error::CliError;

/// Envoy reads its configuration first thing: one that has not by now never will.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(5);

/// With one of these Envoys hand over to each other, and whoever runs them says how.
const HOT_RESTART: [&str; 3] = ["--restart-epoch", "--hot-restart-version", "--base-id"];
/// How Envoy lets go of connections whose listener has changed.
const DRAIN: [&str; 2] = ["--drain-strategy", "--drain-time-s"];
/// A changed intention holds for the connections that are open, too; left alone, Envoy takes ten minutes.
const DRAIN_QUICKLY: [&str; 4] = ["--drain-strategy", "immediate", "--drain-time-s", "10"];

/// Replaces this process by Envoy. Returns only what went wrong.
pub(super) fn become_envoy(envoy: &Path, bootstrap: &str, passed_on: &[OsString]) -> CliError {
    let pipe = match Pipe::make() {
        Ok(pipe) => pipe,
        Err(error) => return error,
    };
    let mut writer = match pipe.feed(bootstrap) {
        Ok(writer) => writer,
        Err(error) => {
            pipe.remove();
            return error;
        }
    };
    let error = Command::new(envoy).args(arguments(&pipe.path, passed_on)).exec();
    // both may be gone already
    _ = writer.kill();
    _ = writer.wait();
    pipe.remove();
    CliError::system(format!("cannot run {}", envoy.display()))(error)
}

fn arguments(config: &Path, passed_on: &[OsString]) -> Vec<OsString> {
    let mut arguments = vec!["--config-path".into(), config.as_os_str().to_owned()];
    if !asked_for(passed_on, &HOT_RESTART) {
        arguments.push("--disable-hot-restart".into());
    }
    if !asked_for(passed_on, &DRAIN) {
        arguments.extend(DRAIN_QUICKLY.map(OsString::from));
    }
    arguments.extend(passed_on.iter().cloned());
    arguments
}

fn asked_for(passed_on: &[OsString], flags: &[&str]) -> bool {
    passed_on.iter().any(|word| {
        let word = word.to_string_lossy();
        flags.iter().any(|flag| word == *flag || word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
    })
}

/// A named pipe in a folder of its own, both for this user only.
struct Pipe {
    folder: PathBuf,
    path: PathBuf,
}

impl Pipe {
    fn make() -> Result<Self, CliError> {
        let folder = std::env::temp_dir().join(format!("chancery-envoy-{}", uuid::Uuid::new_v4().simple()));
        // Envoy tells the format by the extension
        let pipe = Self { path: folder.join("bootstrap.json"), folder };
        DirBuilder::new()
            .mode(0o700)
            .create(&pipe.folder)
            .map_err(CliError::system(format!("cannot make {}", pipe.folder.display())))?;
        let made = mkfifoat(CWD, &pipe.path, Mode::RUSR | Mode::WUSR).map_err(io::Error::from);
        // whatever the umask takes away, the owner keeps
        let made = made.and_then(|()| fs::set_permissions(&pipe.path, Permissions::from_mode(0o600)));
        if let Err(error) = made {
            pipe.remove();
            return Err(CliError::system(format!("cannot make the pipe {}", pipe.path.display()))(error));
        }
        Ok(pipe)
    }

    /// Starts the child that writes the bootstrap into the pipe as soon as Envoy opens it.
    fn feed(&self, bootstrap: &str) -> Result<Child, CliError> {
        let program = std::env::current_exe().map_err(CliError::system("cannot find this program"))?;
        let mut child = Command::new(program)
            .args([OsStr::new("connect"), OsStr::new("envoy"), OsStr::new("pipe-bootstrap"), self.path.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(CliError::system("cannot start the writer of the bootstrap"))?;
        let given = child.stdin.take().map(|mut stdin| stdin.write_all(bootstrap.as_bytes()));
        if let Some(Err(error)) = given {
            _ = child.kill();
            _ = child.wait();
            return Err(CliError::system("cannot hand the bootstrap to its writer")(error));
        }
        Ok(child)
    }

    /// Best effort: the writer removes it too.
    fn remove(&self) {
        remove(&self.path);
        _ = fs::remove_dir(&self.folder);
    }
}

fn remove(path: &Path) {
    _ = fs::remove_file(path);
    if let Some(folder) = path.parent() {
        _ = fs::remove_dir(folder);
    }
}

/// The child's part: standard input into the pipe, then the pipe is removed, whatever happened.
pub(super) fn pipe_bootstrap(path: &Path) -> Result<(), CliError> {
    let mut bootstrap = Vec::new();
    let written = io::stdin().read_to_end(&mut bootstrap).and_then(|_| write_into(path, &bootstrap, PATIENCE));
    remove(path);
    written.map_err(CliError::system(format!("cannot pass the bootstrap through {}", path.display())))
}

/// Waits for a reader without blocking: an Envoy that never starts must not leave this child behind for ever.
fn write_into(path: &Path, bytes: &[u8], patience: Duration) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let mut pipe = loop {
        match OpenOptions::new().write(true).custom_flags(nonblocking).open(path) {
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                if Instant::now() >= deadline {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "Envoy did not read it"));
                }
                thread::sleep(RETRY);
            }
            opened => break opened?,
        }
    };
    // a bootstrap may be larger than a pipe holds
    let flags = fcntl_getfl(&pipe)?;
    fcntl_setfl(&pipe, flags - OFlags::NONBLOCK)?;
    pipe.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::Duration;

    use super::{Pipe, arguments, write_into};

    #[test]
    fn hot_restart_stays_off_unless_it_is_asked_for() {
        let shown = |passed_on: &[&str]| {
            let passed_on: Vec<OsString> = passed_on.iter().map(OsString::from).collect();
            let shown = arguments(Path::new("/p"), &passed_on);
            shown.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let quickly = "--drain-strategy immediate --drain-time-s 10";
        assert_eq!(shown(&["-l", "debug"]), format!("--config-path /p --disable-hot-restart {quickly} -l debug"));
        assert_eq!(shown(&["--restart-epoch", "0"]), format!("--config-path /p {quickly} --restart-epoch 0"));
        assert_eq!(shown(&["--base-id=3"]), format!("--config-path /p {quickly} --base-id=3"));
        assert_eq!(
            shown(&["--base-id-path", "x"]),
            format!("--config-path /p --disable-hot-restart {quickly} --base-id-path x")
        );
    }

    #[test]
    fn what_is_said_about_draining_is_left_as_it_is() {
        let passed_on = ["--drain-time-s".into(), "600".into()];
        let shown = arguments(Path::new("/p"), &passed_on);
        assert!(!shown.contains(&"--drain-strategy".into()), "{shown:?}");
    }

    #[test]
    fn the_pipe_is_for_its_owner_only_and_carries_more_than_it_holds() {
        let pipe = Pipe::make().expect("the folder for temporary files can be written");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&pipe.folder), mode(&pipe.path)), (0o700, 0o600));
        let bytes = vec![7; 200_000];
        let reader = std::thread::spawn({
            let path = pipe.path.clone();
            move || std::fs::read(path).expect("someone writes")
        });
        write_into(&pipe.path, &bytes, Duration::from_secs(5)).expect("someone reads");
        assert_eq!(reader.join().expect("the reader ends"), bytes);
        pipe.remove();
        assert!(!pipe.folder.exists());
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_given_up() {
        let pipe = Pipe::make().expect("the folder for temporary files can be written");
        let told = write_into(&pipe.path, b"x", Duration::from_millis(20)).expect_err("nobody reads");
        assert_eq!(told.kind(), ErrorKind::TimedOut);
        pipe.remove();
    }
}
