//! Staying under Atlas's rate limits: a token bucket for each scope, learned from what Atlas says of its own.

use crate::api::{ErrorBody, Request};
use crate::clock::Clock;
use http::{HeaderMap, StatusCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The buckets that Atlas is known to have, as capacity and refill per minute; its headers tell the capacity only.
const KNOWN: [(f64, f64); 3] = [(4000.0, 2000.0), (1200.0, 500.0), (10.0, 5.0)];
const MINUTE: f64 = 60.0;
/// Atlas rounds what it says to whole tokens and seconds.
const MARGIN: f64 = 1.0;

/// The buckets of one client.
pub(super) struct RateLimits {
    clock: Clock,
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
}

struct Bucket {
    state: Mutex<State>,
    /// Those who have to wait do so one after the other.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Capacity and refill per second, once Atlas has told.
    limit: Option<(f64, f64)>,
    tokens: f64,
    /// When `tokens` was right.
    at: Duration,
    in_flight: u32,
    /// Atlas has asked to stay away until then.
    closed_until: Duration,
}

/// A request that was let through.
pub(super) struct Admission {
    clock: Clock,
    bucket: Arc<Bucket>,
}

impl RateLimits {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, buckets: Mutex::default() }
    }

    /// Waits until the request's bucket has a token. Where that would be after `deadline`, the request goes out at once:
    /// whether it is one too many is then for Atlas to say.
    pub(super) async fn admit(&self, request: &Request, deadline: Duration) -> Admission {
        let bucket = self.bucket(request.rate_limit_scope());
        let admission = Admission { clock: self.clock.clone(), bucket: bucket.clone() };
        if bucket.state().take(self.clock.now()).is_ok() {
            return admission;
        }
        let _turn = self.clock.idle(bucket.turn.lock()).await;
        loop {
            let now = self.clock.now();
            let taken = bucket.state().take(now);
            match taken {
                Ok(()) => return admission,
                Err(pause) if now + pause < deadline => self.clock.sleep(pause).await,
                Err(_) => {
                    bucket.state().in_flight += 1;
                    return admission;
                }
            }
        }
    }

    fn bucket(&self, scope: &str) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(scope) {
            return bucket.clone();
        }
        let bucket = Arc::new(Bucket { state: Mutex::default(), turn: tokio::sync::Mutex::default() });
        buckets.insert(scope.to_owned(), bucket.clone());
        bucket
    }
}

impl Bucket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Learns from the answer.
    pub(super) fn answered(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], asked: Option<Duration>) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok().filter(|n| *n >= 0.0);
        let (capacity, remaining) = (number("ratelimit-limit"), number("ratelimit-remaining"));
        if capacity.is_none() && remaining.is_none() && status != StatusCode::TOO_MANY_REQUESTS {
            return;
        }
        let now = self.clock.now();
        let mut state = self.bucket.state();
        state.fill(now);
        if status == StatusCode::TOO_MANY_REQUESTS {
            if let Some(limit) = ErrorBody::parse(body).token_bucket() {
                state.limit = Some(limit);
            }
            let asked = asked.unwrap_or_default();
            // as Atlas says it, there will be one token then
            state.tokens = 1.0 - asked.as_secs_f64() * state.limit.map_or(0.0, |(_, per_second)| per_second);
            state.at = now;
            state.closed_until = state.closed_until.max(now.saturating_add(asked));
        } else if let Some(capacity) = capacity
            && state.limit.is_none_or(|(known, _)| known != capacity)
        {
            let known = KNOWN.iter().find(|(known, _)| *known == capacity);
            let refill = known.map_or(capacity / 3.0, |(_, refill)| *refill);
            state.limit = Some((capacity, refill / MINUTE));
            state.tokens = capacity;
        }
        if let Some(remaining) = remaining {
            // of those in flight, this one is counted by Atlas, and perhaps some of the others
            let others = f64::from(state.in_flight.saturating_sub(1));
            let at_least = remaining - others - MARGIN;
            if others == 0.0 || at_least < state.tokens {
                state.tokens = at_least;
                state.at = now;
            }
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut state = self.bucket.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl State {
    fn fill(&mut self, now: Duration) {
        if let Some((capacity, per_second)) = self.limit {
            let passed = now.saturating_sub(self.at).as_secs_f64();
            self.tokens = (self.tokens + passed * per_second).min(capacity);
        }
        self.at = now;
    }

    /// Takes a token, or says when there may be one.
    fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.fill(now);
        if now < self.closed_until {
            return Err(self.closed_until - now);
        }
        if let Some((_, per_second)) = self.limit {
            if self.tokens < 1.0 {
                let seconds = if per_second > 0.0 { (1.0 - self.tokens) / per_second } else { MINUTE };
                return Err(Duration::try_from_secs_f64(seconds)
                    .unwrap_or(Duration::MAX)
                    .max(Duration::from_millis(1)));
            }
            self.tokens -= 1.0;
        }
        self.in_flight += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ApiVersion;
    use crate::api::request::{CommonQuery, Expected};
    use http::Method;
    use serde_json::json;

    fn request() -> Request {
        let path = "/groups/5f7cac1adf5d6c6306f4b283/privateEndpoint/AWS/endpointService";
        Request::new("x", Method::GET, ApiVersion::V2, path, CommonQuery::default(), Expected::Nothing)
    }

    fn headers(remaining: u32) -> HeaderMap {
        let number = |n: u32| http::HeaderValue::from(n);
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-limit", number(4000));
        headers.insert("ratelimit-remaining", number(remaining));
        headers
    }

    const NEVER: Duration = Duration::from_secs(1 << 40);

    #[tokio::test]
    async fn nothing_waits_before_atlas_has_told() {
        let limits = RateLimits::new(Clock::driven(|_| {}));
        for _ in 0..10_000 {
            let _ = limits.admit(&request(), NEVER).await;
        }
        assert_eq!(limits.clock.now(), Duration::ZERO);
    }

    #[tokio::test]
    async fn an_empty_bucket_is_waited_for() {
        let limits = RateLimits::new(Clock::driven(|_| {}));
        let _at_work = limits.clock.enter();
        limits.admit(&request(), NEVER).await.answered(StatusCode::OK, &headers(1), b"", None);
        let _first = limits.admit(&request(), NEVER).await;
        // a token comes every 30 ms
        assert_eq!(limits.clock.now(), Duration::from_millis(30));
    }

    #[tokio::test]
    async fn a_429_closes_the_bucket_for_all_and_tells_its_size() {
        let limits = RateLimits::new(Clock::driven(|_| {}));
        let _at_work = limits.clock.enter();
        let body = json!({"errorCode": "RATE_LIMITED_TOKEN_BUCKET", "parameters": ["/x", 7, 10, 5, 60]}).to_string();
        let first = limits.admit(&request(), NEVER).await;
        let asked = Some(Duration::from_secs(7));
        first.answered(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body.as_bytes(), asked);
        drop(first);
        let _second = limits.admit(&request(), NEVER).await;
        assert_eq!(limits.clock.now().as_secs(), 7);
        let _third = limits.admit(&request(), limits.clock.now()).await;
        assert_eq!(limits.clock.now().as_secs(), 7, "a call without time left asks Atlas");
    }
}
