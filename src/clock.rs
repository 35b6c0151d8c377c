//! The time that pauses, rate limits and waits go by: the system's, or one that is driven.
//!
//! A driven clock stands still while any call is at work, and jumps to the next wake-up once every call sleeps. Together
//! with the emulator's own clock it makes a wait of minutes a matter of milliseconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// No time limit is as long, and no clock ends so soon: what a server asks for may be any number.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 86_400);

/// Between the pause itself and half as long again, so that clients which were stopped together do not return
/// together, and none earlier than asked.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.min(LONGEST_WAIT).mul_f64(1.0 + 0.5 * fastrand::f64())
}

/// Where calls get their time from. Clones are the same clock.
#[derive(Clone)]
pub struct Clock {
    origin: Instant,
    driven: Option<Arc<Driven>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { origin: Instant::now(), driven: None }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.driven.is_some() { "Clock(driven)" } else { "Clock(system)" })
    }
}

impl Clock {
    /// A clock that jumps; `jumped` is told by how much, so that a server's clock can follow.
    pub fn driven(jumped: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        let driven = Driven { state: Mutex::default(), jumped: Box::new(jumped) };
        Self { origin: Instant::now(), driven: Some(Arc::new(driven)) }
    }

    /// The time since some moment before the first use.
    pub fn now(&self) -> Duration {
        match &self.driven {
            None => self.origin.elapsed(),
            Some(driven) => driven.state().now,
        }
    }

    /// Returns after `pause`.
    pub async fn sleep(&self, pause: Duration) {
        let Some(driven) = &self.driven else { return tokio::time::sleep(pause).await };
        let (wake, woken) = oneshot::channel();
        let sleeper = driven.lie_down(pause, wake);
        driven.settle().await;
        // the sender is dropped only with the clock itself
        let _ = woken.await;
        drop(sleeper);
    }

    /// Notes that a call is at work until the guard is dropped. A driven clock does not jump meanwhile, unless the call
    /// sleeps by it.
    pub fn enter(&self) -> AtWork {
        if let Some(driven) = &self.driven {
            driven.state().at_work += 1;
        }
        AtWork(self.driven.clone())
    }

    /// Waits for another call of the same clock without holding the clock up.
    pub async fn idle<T>(&self, other: impl Future<Output = T>) -> T {
        let Some(driven) = &self.driven else { return other.await };
        let idle = Idle::new(driven);
        let mut other = std::pin::pin!(other);
        let at_once = std::future::poll_fn(|cx| std::task::Poll::Ready(other.as_mut().poll(cx))).await;
        let value = match at_once {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => {
                driven.settle().await;
                other.await
            }
        };
        drop(idle);
        value
    }
}

/// A call at work; see [`Clock::enter`].
pub struct AtWork(Option<Arc<Driven>>);

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(driven) = &self.0 {
            let mut state = driven.state();
            state.at_work -= 1;
            driven.jump_if_all_sleep(&mut state);
        }
    }
}

struct Driven {
    state: Mutex<State>,
    jumped: Box<dyn Fn(Duration) + Send + Sync>,
}

#[derive(Default)]
struct State {
    now: Duration,
    at_work: i64,
    next_sleeper: u64,
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
}

impl Driven {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lie_down(self: &Arc<Self>, pause: Duration, wake: oneshot::Sender<()>) -> Sleeper {
        let mut state = self.state();
        let key = (state.now.saturating_add(pause), state.next_sleeper);
        state.next_sleeper += 1;
        state.sleepers.insert(key, wake);
        state.at_work -= 1;
        Sleeper { driven: self.clone(), key }
    }

    /// Lets those run first that something else has just woken, and jumps if all sleep even so.
    async fn settle(&self) {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        self.jump_if_all_sleep(&mut self.state());
    }

    fn jump_if_all_sleep(&self, state: &mut State) {
        while state.at_work <= 0
            && let Some((key, wake)) = state.sleepers.pop_first()
        {
            let jump = key.0.saturating_sub(state.now);
            state.now += jump;
            if !jump.is_zero() {
                (self.jumped)(jump);
            }
            // whoever wakes is at work from this moment on; one that was cancelled meanwhile is not
            if wake.send(()).is_ok() {
                state.at_work += 1;
            }
        }
    }
}

/// One that sleeps: at work again when dropped before its time.
struct Sleeper {
    driven: Arc<Driven>,
    key: (Duration, u64),
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let mut state = self.driven.state();
        if state.sleepers.remove(&self.key).is_some() {
            state.at_work += 1;
        }
    }
}

struct Idle<'a>(&'a Driven);

impl<'a> Idle<'a> {
    fn new(driven: &'a Driven) -> Self {
        driven.state().at_work -= 1;
        Self(driven)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.state().at_work += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    #[test]
    fn no_number_of_seconds_is_too_large() {
        assert!(super::jittered(Duration::MAX) < super::LONGEST_WAIT * 2);
    }

    #[tokio::test]
    async fn a_driven_clock_jumps_from_one_wake_up_to_the_next() {
        let jumped = Arc::new(AtomicU64::new(0));
        let sum = jumped.clone();
        let clock = Clock::driven(move |by| {
            sum.fetch_add(by.as_secs(), Ordering::Relaxed);
        });
        let sleep = |seconds: u64| {
            let clock = clock.clone();
            async move {
                let _at_work = clock.enter();
                clock.sleep(Duration::from_secs(seconds)).await;
                clock.now().as_secs()
            }
        };
        let (one, other) = tokio::join!(sleep(60), sleep(3600));
        assert_eq!((one, other), (60, 3600));
        assert_eq!(jumped.load(Ordering::Relaxed), 3600);
    }

    #[tokio::test]
    async fn a_sleep_that_is_given_up_holds_nothing_up() {
        let clock = Clock::driven(|_| {});
        let _at_work = clock.enter();
        {
            let work = clock.enter();
            let mut sleep = Box::pin(clock.sleep(Duration::from_secs(5)));
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(sleep.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            drop(sleep);
            drop(work);
        }
        clock.sleep(Duration::from_secs(7)).await;
        assert_eq!(clock.now(), Duration::from_secs(7));
    }

    #[tokio::test]
    async fn waiting_for_a_sleeper_is_not_work() {
        let clock = Clock::driven(|_| {});
        let lock = tokio::sync::Mutex::new(());
        let one = async {
            let _at_work = clock.enter();
            let _held = lock.lock().await;
            clock.sleep(Duration::from_secs(9)).await;
        };
        let other = async {
            let _at_work = clock.enter();
            let _held = clock.idle(lock.lock()).await;
            clock.now().as_secs()
        };
        assert_eq!(tokio::join!(one, other).1, 9);
    }
}
