//! A network namespace: programs in it have addresses and ports of their own.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Gone when dropped.
pub struct Namespace(String);

impl Namespace {
    /// With the calling thread in it, and every program that it starts from now on. It has a loopback.
    ///
    /// # Panics
    /// Without the right to make one: see [`Self::missing`].
    pub fn enter() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let namespace = Self(format!("chancery-{}-{number}", std::process::id()));
        ip(&["netns", "add", &namespace.0]);
        namespace.ip(&["link", "set", "lo", "up"]);
        let file = File::open(format!("/var/run/netns/{}", namespace.0)).expect("the namespace was made");
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter it");
        namespace
    }

    /// `ip` with these arguments, inside.
    pub fn ip(&self, arguments: &[&str]) {
        ip(&[&["-n", &self.0], arguments].concat());
    }

    /// What there would have to be for one.
    pub fn missing() -> Option<&'static str> {
        if !rustix::process::geteuid().is_root() {
            return Some("the right to make a network namespace (root)");
        }
        let works = Command::new("unshare").args(["--net", "--mount", "true"]).status().is_ok_and(|of| of.success());
        if !works {
            return Some("a kernel that lets root make namespaces");
        }
        crate::setup::on_path("ip").is_none().then_some("ip (iproute2)")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        _ = Command::new("ip").args(["netns", "delete", &self.0]).status();
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("there is an ip");
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
