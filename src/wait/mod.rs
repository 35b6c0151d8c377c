//! Waiting as a state machine: it is told what was seen and when, and says what that means and when to look again.
//!
//! It reads no clock, sends nothing and sleeps nowhere; the client does that for it.

mod pace;
mod target;

pub use target::Target;

use crate::api::resource::{Resource, Stage};
use pace::Pace;
use std::time::Duration;
use target::Verdict;

/// A resource that has just been made may be missing from lists for a moment.
const UNSEEN_FOR: Duration = Duration::from_secs(30);

/// What was seen once is not overlooked so often in a row.
const ABSENCES: u32 = 3;

/// What one look showed.
#[derive(Debug)]
pub enum Sight {
    /// The resource.
    Seen(Resource),
    /// It is not there.
    Absent,
    /// Nothing: the look failed in a way that may pass. The server may have asked to stay away for some time.
    Trouble(Option<Duration>),
}

/// What a look means.
#[derive(Debug)]
pub enum Step {
    /// Look again at this time at the latest.
    Wait {
        /// When.
        until: Duration,
        /// Whether the resource is in another state than the last time it was seen.
        changed: bool,
    },
    /// The target is reached; the resource, unless it is gone.
    Reached(Option<Resource>),
    /// The target cannot be reached any more.
    Failed(Failure),
    /// Time is up.
    TimedOut,
}

/// Why a target cannot be reached any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Atlas says so.
    Failed,
    /// It is being deleted.
    Deleting,
    /// It is gone.
    Gone,
    /// It was never there.
    NeverThere,
}

/// One wait.
#[derive(Debug)]
pub struct Wait {
    target: Target,
    exists: bool,
    begun: Duration,
    deadline: Duration,
    pace: Pace,
    last: Option<Resource>,
    /// How often it was absent since it was seen last.
    absences: u32,
}

impl Wait {
    /// A wait that begins now. A resource that is not known to exist may be absent for as long as it likes.
    pub fn new(target: Target, exists: bool, now: Duration, timeout: Duration) -> Self {
        let deadline = now.saturating_add(timeout);
        Self { target, exists, begun: now, deadline, pace: Pace::default(), last: None, absences: 0 }
    }

    /// When it is given up.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// How long it has taken.
    pub fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.begun)
    }

    /// The last state seen.
    pub fn last(&self) -> Option<&Resource> {
        self.last.as_ref()
    }

    /// What `sight` means.
    pub fn see(&mut self, sight: Sight, now: Duration) -> Step {
        let (verdict, changed, asked) = match sight {
            Sight::Trouble(asked) => (Verdict::Pending, false, asked),
            Sight::Absent => {
                self.absences += 1;
                (self.absent(now), self.absences == 1 && self.last.is_some(), None)
            }
            Sight::Seen(resource) => {
                self.absences = 0;
                let verdict = self.target.judge(resource.stage());
                let changed = self.last.as_ref().is_none_or(|last| last.status != resource.status);
                self.last = Some(resource);
                (verdict, changed, None)
            }
        };
        match verdict {
            Verdict::Reached => return Step::Reached(self.last.take()),
            Verdict::Gone => return Step::Reached(None),
            Verdict::Failed(failure) => return Step::Failed(failure),
            Verdict::Pending => {}
        }
        if changed {
            self.pace.restart();
        }
        let pause = self.pace.next(self.elapsed(now), asked);
        // one last look at the end, rather than none for the rest of the time
        let until = now.saturating_add(pause).min(self.deadline);
        if now >= self.deadline { Step::TimedOut } else { Step::Wait { until, changed } }
    }

    fn absent(&self, now: Duration) -> Verdict {
        match (self.target, &self.last) {
            (Target::Deleted, _) => Verdict::Gone,
            (_, Some(last)) if last.stage() == Stage::Deleting => Verdict::Failed(Failure::Gone),
            (_, Some(_)) if self.absences >= ABSENCES => Verdict::Failed(Failure::Gone),
            (_, None) if self.exists && self.elapsed(now) >= UNSEEN_FOR => Verdict::Failed(Failure::NeverThere),
            _ => Verdict::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::serverless::ENDPOINT;
    use serde_json::json;

    fn seen(status: &str) -> Sight {
        Sight::Seen(Resource::from_json(&ENDPOINT, json!({"_id": "a", "status": status}), None).unwrap())
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn two_targets_named_apart() {
        let mut wait = Wait::new(Target::Reserved, true, at(0), at(600));
        assert!(matches!(wait.see(seen("RESERVATION_REQUESTED"), at(0)), Step::Wait { changed: true, .. }));
        assert!(matches!(wait.see(seen("RESERVED"), at(90)), Step::Reached(Some(_))));
        let mut wait = Wait::new(Target::Available, true, at(0), at(600));
        assert!(matches!(wait.see(seen("RESERVED"), at(0)), Step::Wait { .. }));
        assert!(matches!(wait.see(seen("AVAILABLE"), at(90)), Step::Reached(Some(_))));
    }

    #[test]
    fn what_cannot_come_any_more() {
        for (status, failure) in [("FAILED", Failure::Failed), ("DELETING", Failure::Deleting)] {
            let mut wait = Wait::new(Target::Available, true, at(0), at(600));
            assert!(matches!(wait.see(seen(status), at(0)), Step::Failed(found) if found == failure));
            assert_eq!(wait.last().unwrap().status.as_deref(), Some(status));
            let mut wait = Wait::new(Target::Deleted, true, at(0), at(600));
            assert!(matches!(wait.see(seen(status), at(0)), Step::Wait { .. }));
        }
    }

    #[test]
    fn absence_is_the_goal_or_an_oversight_or_the_end() {
        let mut wait = Wait::new(Target::Deleted, true, at(0), at(600));
        assert!(matches!(wait.see(Sight::Absent, at(0)), Step::Reached(None)));
        let mut wait = Wait::new(Target::Available, true, at(0), at(600));
        assert!(matches!(wait.see(Sight::Absent, at(0)), Step::Wait { .. }));
        assert!(matches!(wait.see(Sight::Absent, at(29)), Step::Wait { .. }));
        assert!(matches!(wait.see(Sight::Absent, at(30)), Step::Failed(Failure::NeverThere)));
        let mut wait = Wait::new(Target::Available, true, at(0), at(600));
        wait.see(seen("RESERVED"), at(0));
        assert!(matches!(wait.see(Sight::Absent, at(2)), Step::Wait { .. }));
        assert!(matches!(wait.see(Sight::Absent, at(4)), Step::Wait { .. }));
        assert!(matches!(wait.see(Sight::Absent, at(6)), Step::Failed(Failure::Gone)));
        assert_eq!(wait.last().unwrap().id, "a");
        let mut wait = Wait::new(Target::Available, false, at(0), at(6000));
        assert!(matches!(wait.see(Sight::Absent, at(5999)), Step::Wait { .. }));
    }

    #[test]
    fn the_last_look_is_at_the_deadline() {
        let mut wait = Wait::new(Target::Available, true, at(0), at(100));
        let mut now = at(0);
        while let Step::Wait { until, .. } = wait.see(seen("INITIATING"), now) {
            assert!(until > now && until <= at(100));
            now = until;
        }
        assert_eq!(now, at(100));
        assert_eq!(wait.last().unwrap().status.as_deref(), Some("INITIATING"));
    }

    #[test]
    fn trouble_is_survived_and_heeded() {
        let mut wait = Wait::new(Target::Available, true, at(0), at(1000));
        wait.see(seen("INITIATING"), at(0));
        let Step::Wait { until, .. } = wait.see(Sight::Trouble(Some(at(60))), at(10)) else { panic!() };
        assert!(until >= at(70));
        assert!(matches!(wait.see(seen("AVAILABLE"), until), Step::Reached(Some(_))));
    }
}
