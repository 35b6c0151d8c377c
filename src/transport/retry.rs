//! What is repeated, and when.
//!
//! A read may always be repeated. A write is, only where it was certainly not accepted: no connection, a 429, a 503
//! that says when to come back, an error of the exchange before it.

use crate::api::ErrorBody;
use crate::clock::jittered;
use crate::transport::exchange::{Received, Trouble};
use crate::transport::facts::FailureKind;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use std::time::{Duration, SystemTime};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
const FIRST_WINDOW_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_WINDOW: Duration = Duration::from_secs(60);
/// Atlas has been seen to ask for "0 seconds".
const SHORTEST_WAIT: Duration = Duration::from_millis(500);

/// The pause before the next try after an answer; `None` where there is none.
pub(super) fn after_answer(answer: &Received, idempotent: bool, sent: bool, attempt: u32) -> Option<Duration> {
    let asked = asked(answer);
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => {
            let unasked = || match ErrorBody::parse(&answer.body).rate_limit_window() {
                Some(window) => within_window(window, attempt),
                None => back_off(attempt),
            };
            Some(asked.map_or_else(unasked, |wait| jittered(wait.max(SHORTEST_WAIT))))
        }
        StatusCode::SERVICE_UNAVAILABLE if asked.is_some() => asked.map(|wait| jittered(wait.max(SHORTEST_WAIT))),
        // a token is granted anew to whoever asks
        status if status.is_server_error() && answer.before.is_some() => Some(back_off(attempt)),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            if idempotent || !sent =>
        {
            Some(back_off(attempt))
        }
        _ => None,
    }
}

/// How long an answer asks everybody to wait.
pub(super) fn asked(answer: &Received) -> Option<Duration> {
    let by_header = retry_after(&answer.headers);
    let asked = match answer.status {
        StatusCode::TOO_MANY_REQUESTS => by_header
            .or_else(|| ErrorBody::parse(&answer.body).retry_after().and_then(|s| Duration::try_from_secs_f64(s).ok())),
        StatusCode::SERVICE_UNAVAILABLE => by_header,
        _ => None,
    };
    asked.map(|wait| wait.max(SHORTEST_WAIT))
}

/// The pause before the next try after an exchange without an answer; `None` where there is none.
pub(super) fn after_trouble(trouble: &Trouble, idempotent: bool, sent: bool, attempt: u32) -> Option<Duration> {
    match trouble.kind {
        FailureKind::Connect | FailureKind::Lost if idempotent || !sent => Some(back_off(attempt)),
        _ => None,
    }
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}

/// Atlas says how long its window is, but not when it ends: pauses that grow until they are as long as the window, which
/// is a minute at most.
fn within_window(seconds: f64, attempt: u32) -> Duration {
    let window = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WINDOW).min(LONGEST_WINDOW);
    let grown = FIRST_WINDOW_PAUSE.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1)));
    jittered(grown.min(window.mul_f64(2.0 / 3.0))).max(SHORTEST_WAIT)
}

fn back_off(attempt: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    jittered(doubled.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())])
    }

    #[test]
    fn retry_after_in_both_forms() {
        assert_eq!(retry_after(&headers("7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("soon")), None);
        assert_eq!(retry_after(&headers("-1")), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_window_of_minutes_is_over_within_a_minute() {
        for attempt in 1..10 {
            for seconds in [0.0, 60.0, 3600.0, f64::INFINITY] {
                assert!(within_window(seconds, attempt) <= Duration::from_secs(60));
                assert!(within_window(seconds, attempt) >= SHORTEST_WAIT);
            }
        }
        let all: Duration = (1..=4).map(|attempt| within_window(60.0, attempt)).sum();
        assert!(all >= Duration::from_secs(60), "the last try comes in another window");
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let bounds = |attempt| {
            let pauses: Vec<_> = (0..200).map(|_| back_off(attempt)).collect();
            (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap())
        };
        for (attempt, pause) in [(1, 250), (2, 500), (3, 1000), (60, 8000)] {
            let (shortest, longest) = bounds(attempt);
            assert!(shortest >= Duration::from_millis(pause) && longest <= Duration::from_millis(pause * 3 / 2));
        }
    }
}
