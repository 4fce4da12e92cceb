//! What the kernel tells of the machine: memory, processors, names.

use std::collections::BTreeMap;
use std::fs;

/// Bytes.
#[derive(Default)]
pub struct Memory {
    pub total: u64,
    pub available: u64,
    pub free: u64,
    pub cached: u64,
}

/// Of the file system at [`ROOT`]: bytes, and files that it can hold.
#[derive(Default)]
pub struct Disk {
    /// As the kernel names it, such as `ext4`.
    pub kind: String,
    pub total: u64,
    /// To who is not root.
    pub free: u64,
    pub used: u64,
    pub files_total: u64,
    pub files_free: u64,
}

pub const ROOT: &str = "/";

pub struct Machine {
    pub memory: Memory,
    pub disk: Disk,
    /// The model of each processor.
    pub processors: Vec<String>,
    pub hostname: String,
    pub kernel: String,
    /// Seconds since its start.
    pub uptime: u64,
}

impl Machine {
    /// Reads a few files of `/proc`; what cannot be read is empty.
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let line = |path: &str| text(path).trim().to_owned();
        Self {
            memory: memory(&text("/proc/meminfo")),
            disk: disk(&text("/proc/self/mounts")),
            processors: processors(&text("/proc/cpuinfo")),
            hostname: line("/proc/sys/kernel/hostname"),
            kernel: line("/proc/sys/kernel/osrelease"),
            uptime: line("/proc/uptime").split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0),
        }
    }
}

fn memory(meminfo: &str) -> Memory {
    let figures: BTreeMap<&str, u64> = meminfo
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let kib: u64 = rest.split_whitespace().next()?.parse().ok()?;
            Some((name, kib * 1024))
        })
        .collect();
    let figure = |name| figures.get(name).copied().unwrap_or(0);
    Memory {
        total: figure("MemTotal"),
        available: figure("MemAvailable"),
        free: figure("MemFree"),
        cached: figure("Cached"),
    }
}

fn disk(mounts: &str) -> Disk {
    let Ok(found) = rustix::fs::statvfs(ROOT) else { return Disk::default() };
    let of_block = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Disk {
        kind: kind_of_root(mounts),
        total: of_block(found.f_blocks),
        free: of_block(found.f_bavail),
        used: of_block(found.f_blocks.saturating_sub(found.f_bfree)),
        files_total: found.f_files,
        files_free: found.f_ffree,
    }
}

/// Of what was mounted last, which hides what was there before.
fn kind_of_root(mounts: &str) -> String {
    let of_root = |line: &str| {
        let mut words = line.split(' ').skip(1);
        (words.next()? == ROOT).then(|| words.next().map(str::to_owned)).flatten()
    };
    mounts.lines().rev().find_map(of_root).unwrap_or_default()
}

fn processors(cpuinfo: &str) -> Vec<String> {
    let models =
        cpuinfo.lines().filter_map(|line| line.split_once(':').filter(|(name, _)| name.trim() == "model name"));
    let named: Vec<String> = models.map(|(_, model)| model.trim().to_owned()).collect();
    if !named.is_empty() {
        return named;
    }
    // not every architecture names its models
    cpuinfo.lines().filter(|line| line.starts_with("processor")).map(|_| String::new()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes() {
        let memory = memory("MemTotal:       16 kB\nMemFree:  2 kB\nMemAvailable:   8 kB\nHugePages_Total: 0\n");
        assert_eq!((memory.total, memory.free, memory.available, memory.cached), (16384, 2048, 8192, 0));
    }

    #[test]
    fn the_root_is_what_was_mounted_there_last() {
        let mounts = "rootfs / rootfs rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vda / ext4 rw 0 0\n";
        assert_eq!((kind_of_root(mounts), kind_of_root("")), ("ext4".to_owned(), String::new()));
        let disk = disk(mounts);
        assert!(disk.total >= disk.used && disk.total > 0 && disk.files_total >= disk.files_free);
    }

    #[test]
    fn processors_are_counted_with_their_models() {
        assert_eq!(processors("processor\t: 0\nmodel name\t: A B\nprocessor: 1\nmodel name : A B\n"), ["A B", "A B"]);
        assert_eq!(processors("processor : 0\nprocessor : 1\n").len(), 2);
    }
}
