//! The nonces that are out, and what each has been used for.

use super::config::DigestMode;
use super::random::Random;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    /// Unknown, too old or used up: the client need only answer a new challenge.
    Stale,
    /// The count was refused, which looks the same as a wrong key from outside.
    Refused,
}

pub(crate) struct Nonces {
    mode: DigestMode,
    life: Duration,
    max_count: u32,
    out: HashMap<String, Nonce>,
    /// By age, so that the old ones can be forgotten without a search.
    by_age: VecDeque<(Duration, String)>,
}

struct Nonce {
    issued: Duration,
    last: u32,
    /// One bit for each count.
    seen: Vec<u64>,
}

impl Nonces {
    pub(crate) fn new(mode: DigestMode, life: Duration, max_count: u32) -> Self {
        Self { mode, life, max_count, out: HashMap::new(), by_age: VecDeque::new() }
    }

    pub(crate) fn issue(&mut self, random: &mut Random, now: Duration) -> String {
        while let Some((issued, nonce)) = self.by_age.front() {
            if now.saturating_sub(*issued) <= self.life {
                break;
            }
            self.out.remove(nonce);
            self.by_age.pop_front();
        }
        let nonce = random.nonce();
        self.out.insert(nonce.clone(), Nonce { issued: now, last: 0, seen: Vec::new() });
        self.by_age.push_back((now, nonce.clone()));
        nonce
    }

    /// Uses a nonce up to `count`; without a count (no `qop`) only its age is looked at. Like Jetty, this happens
    /// before the response is verified: a wrong key uses up counts too.
    pub(crate) fn check(&mut self, nonce: &str, count: Option<u32>, now: Duration) -> Verdict {
        let Some(known) = self.out.get_mut(nonce) else { return Verdict::Stale };
        if now.saturating_sub(known.issued) > self.life {
            return Verdict::Stale;
        }
        if self.mode == DigestMode::OneTime {
            self.out.remove(nonce);
            return Verdict::Good;
        }
        let Some(count) = count else { return Verdict::Good };
        if count > self.max_count {
            return Verdict::Stale;
        }
        let good = match self.mode {
            DigestMode::Rising => count > known.last,
            DigestMode::Exact => count == known.last + 1,
            _ => !known.saw(count),
        };
        if !good {
            return Verdict::Refused;
        }
        known.last = count;
        Verdict::Good
    }

    pub(crate) fn forget_all(&mut self) {
        self.out.clear();
        self.by_age.clear();
    }
}

impl Nonce {
    /// Whether the count was there before; from now on it was.
    fn saw(&mut self, count: u32) -> bool {
        let (word, bit) = ((count / 64) as usize, 1_u64 << (count % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        self.seen.get_mut(word).is_none_or(|word| {
            let before = *word & bit != 0;
            *word |= bit;
            before
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::from_secs(1000);

    fn nonces(mode: DigestMode) -> (Nonces, String) {
        let mut nonces = Nonces::new(mode, Duration::from_secs(60), 1024);
        let nonce = nonces.issue(&mut Random::new(), T0);
        (nonces, nonce)
    }

    fn verdicts(mode: DigestMode, counts: &[u32]) -> String {
        let (mut nonces, nonce) = nonces(mode);
        let letter = |count: &u32| match nonces.check(&nonce, Some(*count), T0) {
            Verdict::Good => 'g',
            Verdict::Stale => 's',
            Verdict::Refused => 'r',
        };
        counts.iter().map(letter).collect()
    }

    #[test]
    fn each_mode_has_its_own_order() {
        let counts = [1, 3, 2, 3, 4, 1024, 1025, 1024];
        assert_eq!(verdicts(DigestMode::Jetty, &counts), "gggrggsr");
        assert_eq!(verdicts(DigestMode::Rising, &counts), "ggrrggsr");
        assert_eq!(verdicts(DigestMode::Exact, &counts), "grgggrsr");
        assert_eq!(verdicts(DigestMode::OneTime, &counts), "gsssssss");
    }

    #[test]
    fn a_nonce_ends_with_its_life() {
        let (mut nonces, nonce) = nonces(DigestMode::Jetty);
        assert_eq!(nonces.check(&nonce, Some(1), T0 + Duration::from_secs(60)), Verdict::Good);
        assert_eq!(nonces.check(&nonce, Some(2), T0 + Duration::from_secs(61)), Verdict::Stale);
        assert_eq!(nonces.check("unknown", Some(1), T0), Verdict::Stale);
        nonces.issue(&mut Random::new(), T0 + Duration::from_secs(61));
        assert_eq!((nonces.out.len(), nonces.by_age.len()), (1, 1));
        nonces.forget_all();
        assert!(nonces.out.is_empty());
    }
}
