//! The token bucket of a project.

use std::time::Duration;

/// The period that `refill` is counted in.
pub(crate) const PERIOD_SECONDS: u32 = 60;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) capacity: u32,
    pub(crate) refill: u32,
}

pub(crate) struct Bucket {
    tokens: f64,
    filled: Duration,
}

impl Bucket {
    pub(crate) fn new(limits: Limits, now: Duration) -> Self {
        Self { tokens: f64::from(limits.capacity), filled: now }
    }

    /// Takes one token and says how many whole ones are left, or how many seconds to wait for one.
    pub(crate) fn take(&mut self, limits: Limits, now: Duration) -> Result<u32, u32> {
        let per_second = f64::from(limits.refill) / f64::from(PERIOD_SECONDS);
        let passed = now.saturating_sub(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * per_second).min(f64::from(limits.capacity));
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(self.tokens as u32);
        }
        let wait = if per_second > 0.0 { (1.0 - self.tokens) / per_second } else { f64::from(PERIOD_SECONDS) };
        Err(wait.ceil() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empties_and_fills_by_the_clock() {
        let limits = Limits { capacity: 2, refill: 30 };
        let at = Duration::from_secs;
        let mut bucket = Bucket::new(limits, at(100));
        assert_eq!(bucket.take(limits, at(100)), Ok(1));
        assert_eq!(bucket.take(limits, at(100)), Ok(0));
        assert_eq!(bucket.take(limits, at(100)), Err(2));
        assert_eq!(bucket.take(limits, at(101)), Err(1));
        assert_eq!(bucket.take(limits, at(102)), Ok(0));
        assert_eq!(bucket.take(limits, at(1000)), Ok(1));
        let never = Limits { capacity: 0, refill: 0 };
        assert_eq!(Bucket::new(never, at(0)).take(never, at(9999)), Err(60));
    }
}
