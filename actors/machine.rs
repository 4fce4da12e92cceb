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

pub struct Machine {
    pub memory: Memory,
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
    fn processors_are_counted_with_their_models() {
        assert_eq!(processors("processor\t: 0\nmodel name\t: A B\nprocessor: 1\nmodel name : A B\n"), ["A B", "A B"]);
        assert_eq!(processors("processor : 0\nprocessor : 1\n").len(), 2);
    }
}
