//! The server's process, seen from outside: processor time and memory, as Linux tells them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The kernel's unit of time in `/proc/<pid>/stat`.
const TICK: Duration = Duration::from_millis(10);
const PAGE_BYTES: u64 = 4096;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    pub pid: u32,
}

/// Processor time so far.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// By thread; to the nanosecond.
    threads: BTreeMap<String, Duration>,
    /// Of all threads, those that have ended included; to the tick.
    whole: Duration,
}

impl Process {
    /// The one that listens on the port. Nothing when it is not on this machine or may not be looked at.
    pub fn listening_on(port: u16) -> Option<Self> {
        let inodes: Vec<String> =
            ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| listener_of(path, port)).collect();
        let holds = |pid: &u32| {
            let sockets = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            let targets = sockets.filter_map(|file| fs::read_link(file.path()).ok());
            targets.into_iter().any(|target| inodes.iter().any(|inode| target == *format!("socket:[{inode}]")))
        };
        let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.into_iter().find(holds).map(|pid| Self { pid })
    }

    pub fn usage(self) -> Option<Usage> {
        let stat = fs::read_to_string(self.path("stat")).ok()?;
        // the name of the program, in parentheses, may hold anything
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
        let threads = fs::read_dir(self.path("task")).ok()?.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanos = text.split_whitespace().next()?.parse().ok()?;
            Some((thread.file_name().to_string_lossy().into_owned(), Duration::from_nanos(nanos)))
        });
        Some(Usage { threads: threads.collect(), whole: TICK * ticks })
    }

    /// Memory that is really there.
    pub fn resident_bytes(self) -> Option<u64> {
        let text = fs::read_to_string(self.path("statm")).ok()?;
        Some(text.split_whitespace().nth(1)?.parse::<u64>().ok()? * PAGE_BYTES)
    }

    fn path(self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.pid))
    }
}

impl Usage {
    pub fn since(&self, before: &Self) -> Duration {
        let of_thread = |(thread, now): (&String, &Duration)| {
            now.saturating_sub(before.threads.get(thread).copied().unwrap_or_default())
        };
        let threads: Duration = self.threads.iter().map(of_thread).sum();
        let all_live = before.threads.keys().all(|thread| self.threads.contains_key(thread));
        if all_live { threads } else { threads.max(self.whole.saturating_sub(before.whole)) }
    }
}

/// The inode of the socket that listens on the port, from the kernel's table of sockets.
fn listener_of(table: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let text = fs::read_to_string(table).ok()?;
    let wanted = format!(":{port:04X}");
    text.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        (local.ends_with(&wanted) && *state == LISTEN).then(|| (*inode).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_process_behind_a_port_is_found_and_its_time_grows() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let process = Process::listening_on(port).expect("it is this one");
        assert_eq!(process.pid, std::process::id());
        let before = process.usage().expect("it runs");
        let begin = std::time::Instant::now();
        // on a machine that has other things to do, this thread gets its time late
        let used = || process.usage().expect("it runs").since(&before);
        while used() < Duration::from_millis(20) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", used());
        }
        assert!(process.resident_bytes().expect("it runs") > 1 << 20);
        drop(listener);
    }
}
