//! How often to look.

use crate::clock::jittered;
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const FACTOR: f64 = 1.5;
/// What usually takes a minute or three is seen within seconds …
const USUAL: Duration = Duration::from_secs(5);
/// … and what takes longer than ten minutes within a quarter of one.
const PATIENT_AFTER: Duration = Duration::from_secs(600);
const PATIENT: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
pub(super) struct Pace {
    looks: u32,
}

impl Pace {
    /// The state changed: the next one may follow soon.
    pub(super) fn restart(&mut self) {
        self.looks = 0;
    }

    /// The pause before the next look; never shorter than what the server asked for.
    pub(super) fn next(&mut self, elapsed: Duration, asked: Option<Duration>) -> Duration {
        let longest = if elapsed < PATIENT_AFTER { USUAL } else { PATIENT };
        let grown = FIRST.mul_f64(FACTOR.powi(self.looks.min(20).cast_signed()));
        self.looks += 1;
        // in step with nobody else, and no longer than promised
        let pause = grown.min(longest).mul_f64(1.0 - 0.2 * fastrand::f64());
        asked.map_or(pause, |asked| pause.max(jittered(asked)))
    }
}
