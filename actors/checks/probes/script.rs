//! Running a program: its exit code is the status, what it prints is what it says.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

use chancery::model::Status;

/// Dropped before the end (the time is over, the check is gone), it ends the program and all that this has started.
pub async fn run(args: &[String], limit: usize) -> Result<(Status, String), io::Error> {
    let (reader, writer) = io::pipe()?;
    let (program, rest) = args.split_first().ok_or_else(|| io::Error::other("there is no program to run"))?;
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    let mut child = command.spawn()?;
    // with it goes our end of the pipe: what is left are the program's
    drop(command);
    let group = Group::of(&child);
    let mut output = Tail::new(limit);
    let status = follow(&mut child, reader, &mut output).await?;
    group.has_ended();
    Ok((meaning(status), output.text()))
}

/// Reads until the program has ended. What it left behind may hold the pipe open: nobody waits for that.
async fn follow(child: &mut Child, reader: PipeReader, output: &mut Tail) -> io::Result<ExitStatus> {
    let pipe = OwnedFd::from(reader);
    let receiver = Receiver::from_owned_fd(pipe)?;
    let mut piece = [0; 4096];
    let mut open = true;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            ready = receiver.readable(), if open => {
                ready?;
                match receiver.try_read(&mut piece) {
                    Ok(0) => open = false,
                    Ok(bytes) => output.add(&piece[..bytes]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    };
    while let Ok(bytes @ 1..) = receiver.try_read(&mut piece) {
        output.add(&piece[..bytes]);
    }
    Ok(status)
}

/// 0 is well, 1 is a warning, anything else (a signal too) is critical.
fn meaning(status: ExitStatus) -> Status {
    match status.code() {
        Some(0) => Status::Passing,
        Some(1) => Status::Warning,
        _ => Status::Critical,
    }
}

/// The program and all that it has started, unless they left the group. Ended when dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // one that has just ended by itself needs no signal
            _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// The end of what is said: there a program says what went wrong.
struct Tail {
    kept: Vec<u8>,
    limit: usize,
    whole: usize,
}

impl Tail {
    fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, whole: 0 }
    }

    fn add(&mut self, piece: &[u8]) {
        self.whole += piece.len();
        self.kept.extend_from_slice(piece);
        let excess = self.kept.len().saturating_sub(self.limit);
        self.kept.drain(..excess);
    }

    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        if self.whole > self.kept.len() {
            return format!("Captured {} of {} bytes\n...\n{text}", self.kept.len(), self.whole);
        }
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::time::timeout;

    use super::*;

    async fn sh(script: &str) -> (Status, String) {
        run(&["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()], 64).await.unwrap()
    }

    fn lives(id: &str) -> bool {
        let path = format!("/proc/{}/stat", id.trim());
        // a zombie has ended
        std::fs::read_to_string(path).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn the_exit_code_is_the_status_and_both_outputs_are_what_is_said() {
        assert_eq!(sh("echo fine; echo really >&2").await, (Status::Passing, "fine\nreally\n".to_owned()));
        assert_eq!(sh("echo hm; exit 1").await, (Status::Warning, "hm\n".to_owned()));
        assert_eq!(sh("exit 2").await.0, Status::Critical);
        assert_eq!(sh("kill -9 $$").await.0, Status::Critical);
        let missing = run(&["/no/such/program".to_owned()], 64).await;
        assert!(missing.is_err_and(|error| error.kind() == io::ErrorKind::NotFound));
    }

    #[tokio::test]
    async fn of_much_output_the_end_is_kept() {
        let (_, said) = sh("seq 1 100000; echo the end").await;
        assert!(said.starts_with("Captured 64 of 588903 bytes\n...\n") && said.ends_with("the end\n"), "{said}");
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        assert!(timeout(Duration::from_millis(500), sh(&script)).await.is_err());
        let child = std::fs::read_to_string(file).unwrap();
        let began = Instant::now();
        while lives(&child) {
            assert!(began.elapsed() < Duration::from_secs(5), "{child} still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_is_not_waited_for_and_not_ended() {
        let (status, said) = timeout(Duration::from_secs(5), sh("sleep 30 & echo $!")).await.expect("it has ended");
        assert_eq!(status, Status::Passing);
        assert!(lives(&said), "{said}");
        let id = Pid::from_raw(said.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(id, Signal::KILL).unwrap();
    }
}
