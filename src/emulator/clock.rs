//! The one clock that dates, ids, nonces, buckets and lives read.

use std::time::{Duration, Instant, SystemTime};

/// 9999-12-31T23:59:59Z: an HTTP date cannot say more.
const END: Duration = Duration::from_secs(253_402_300_799);

pub(crate) struct Clock {
    base: Duration,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// Begins at the real time. A speed of 0 is a clock that only [`Clock::advance`] moves.
    pub(crate) fn new(speed: f64) -> Self {
        let base = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { base, started: Instant::now(), speed }
    }

    /// The time since 1970.
    pub(crate) fn now(&self) -> Duration {
        self.base.saturating_add(self.started.elapsed().mul_f64(self.speed)).min(END)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.base = self.base.saturating_add(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driven_clock_stands_still() {
        let mut clock = Clock::new(0.0);
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now() - before, Duration::from_secs(90));
    }

    #[test]
    fn a_date_stays_one_that_http_can_say() {
        let mut clock = Clock::new(1e6);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), END);
        assert!(httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + clock.now()).contains("9999"));
    }
}
