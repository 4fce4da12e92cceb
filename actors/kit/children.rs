//! What a parent needs to rebuild a child that ended: to hear of it, and to wait a little longer each time.
//!
//! actix's own `Supervisor` does not survive a panic; a guard inside the child does, because it is dropped while the
//! panic unwinds.

use std::time::Duration;

/// Held by a child; tells its parent when the child ends, and whether by panic.
pub struct ExitGuard {
    tell: Option<Box<dyn FnOnce(bool) + Send>>,
}

impl ExitGuard {
    /// `tell(panicked)` must not block.
    pub fn new(tell: impl FnOnce(bool) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)) }
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            // outside a runtime it is the whole thread that ends, and nothing can be rebuilt on it
            let rebuildable = tokio::runtime::Handle::try_current().is_ok();
            tell(std::thread::panicking() && rebuildable);
        }
    }
}

/// The wait before each rebuild of one child: at once, then doubling from 10 ms to 10 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    restarts: u32,
}

impl Backoff {
    const FIRST_MS: u64 = 10;
    const MAX_MS: u64 = 10_000;

    pub fn next_delay(&mut self) -> Duration {
        let delay_ms = match self.restarts {
            0 => 0,
            n => (Self::FIRST_MS << (n - 1).min(10)).min(Self::MAX_MS),
        };
        self.restarts += 1;
        Duration::from_millis(delay_ms)
    }

    pub fn restarts(&self) -> u32 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_panic_is_told_as_one() {
        let (tell, told) = mpsc::channel();
        let guard = ExitGuard::new(move |panicked| _ = tell.send(panicked));
        _ = tokio::spawn(async move {
            let _guard = guard;
            panic!("on purpose");
        })
        .await;
        assert_eq!(told.recv(), Ok(true));
    }

    #[test]
    fn the_end_of_a_whole_thread_is_no_panic_of_a_child() {
        let (tell, told) = mpsc::channel();
        let guard = ExitGuard::new(move |panicked| _ = tell.send(panicked));
        _ = std::thread::spawn(move || {
            let _guard = guard;
            panic!("on purpose");
        })
        .join();
        assert_eq!(told.recv(), Ok(false));
    }

    #[test]
    fn the_wait_starts_at_nothing_and_ends_at_ten_seconds() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> = (0..14).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays[..4], [0, 10, 20, 40]);
        assert_eq!(delays[13], 10_000);
        assert_eq!(backoff.restarts(), 14);
    }
}
