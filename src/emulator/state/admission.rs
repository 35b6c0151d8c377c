//! May it, does that exist, is it too fast: what stands between a known caller and an operation.

use super::super::answer::Answer;
use super::super::bucket::{Bucket, Limits, PERIOD_SECONDS};
use super::super::route::{Query, Route};
use super::{Incoming, Role, State};
use crate::api::{ApiVersion, error_code};
use http::{Method, StatusCode, header};
use serde_json::json;
use std::time::Duration;

impl State {
    /// What is behind the authentication.
    pub(super) fn admitted(&mut self, incoming: &Incoming, route: &Route, role: Role, now: Duration) -> Answer {
        if !self.address_allowed {
            let address = incoming.peer.to_string();
            let detail = format!("IP address {address} is not allowed to access this resource.");
            let code = error_code::IP_ADDRESS_NOT_ON_ACCESS_LIST;
            return Answer::error(StatusCode::FORBIDDEN, code, &detail, vec![json!(address)]);
        }
        let (group, refusal) = self.admissible(incoming, route);
        if let Some(refusal) = refusal {
            return refusal;
        }
        if role == Role::ReadOnly && !incoming.method.is_safe() {
            let detail = "Current user is not authorized to perform this action.";
            return Answer::error(StatusCode::FORBIDDEN, error_code::USER_UNAUTHORIZED, detail, vec![]);
        }
        let limits = Limits { capacity: self.config.capacity, refill: self.config.refill };
        if !self.buckets.contains_key(group) {
            self.buckets.insert(group.to_owned(), Bucket::new(limits, now));
        }
        let taken = self.buckets.get_mut(group).map_or(Ok(0), |bucket| bucket.take(limits, now));
        let (answer, remaining) = match taken {
            Ok(remaining) => (self.execute(incoming, route, now), remaining),
            Err(seconds) => {
                let path = Query::parse(&incoming.target).path;
                let Limits { capacity, refill } = limits;
                let detail = format!(
                    "Too many requests for {path}: retry after {seconds} seconds. The limit is {capacity} requests, \
                     refilled with {refill} every {PERIOD_SECONDS} seconds."
                );
                let parameters = [seconds, capacity, refill, PERIOD_SECONDS].map(|n| json!(n.to_string()));
                let parameters = std::iter::once(json!(path)).chain(parameters).collect();
                let code = error_code::RATE_LIMITED_TOKEN_BUCKET;
                let answer = Answer::error(StatusCode::TOO_MANY_REQUESTS, code, &detail, parameters);
                let told = self.config.rate_limit_headers;
                (if told { answer.with("retry-after", &seconds.to_string()) } else { answer }, 0)
            }
        };
        if !self.config.rate_limit_headers {
            return answer;
        }
        answer.with("ratelimit-remaining", &remaining.to_string()).with("ratelimit-limit", &limits.capacity.to_string())
    }

    /// The project that a request is counted for, or why nothing is to be had there.
    fn admissible<'a>(&self, incoming: &Incoming, route: &'a Route) -> (&'a str, Option<Answer>) {
        let (group, allowed): (&str, &[&str]) = match route {
            Route::Unknown { .. } => {
                let path = Query::parse(&incoming.target).path;
                let detail = format!("Cannot find resource {path}.");
                let code = error_code::RESOURCE_NOT_FOUND;
                return ("", Some(Answer::error(StatusCode::NOT_FOUND, code, &detail, vec![json!(path)])));
            }
            Route::Serverless { group, id: None, .. } => (group, &["POST", "GET"]),
            Route::Serverless { group, .. } => (group, &["DELETE", "GET", "PATCH"]),
            Route::Family { group, target, .. } => (group, target.allowed()),
            Route::Deployments { group, .. } => (group, &["GET"]),
            Route::Projects { .. } => ("", &["GET"]),
        };
        if !allowed.contains(&incoming.method.as_str()) {
            let allow = format!("{},OPTIONS", allowed.join(","));
            let status =
                if incoming.method == Method::OPTIONS { StatusCode::OK } else { StatusCode::METHOD_NOT_ALLOWED };
            return (group, Some(Answer::new(status, None).with("allow", &allow)));
        }
        let accept = incoming.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        if route.version() == ApiVersion::V2
            && accept.contains("vnd.atlas.")
            && !is_acceptable(accept, route.since(&incoming.method))
        {
            let detail = "The version date in the Accept header is not valid here.";
            let code = "INVALID_VERSION_DATE";
            return (group, Some(Answer::error(StatusCode::NOT_ACCEPTABLE, code, detail, vec![json!(accept)])));
        }
        (group, None)
    }
}

/// Whether `Accept` names a media type that an operation has, which has been there `since` that date.
fn is_acceptable(accept: &str, since: &str) -> bool {
    accept.split(',').any(|one| {
        let Some((_, rest)) = one.split_once("vnd.atlas.") else { return true };
        let date = rest.split('+').next().unwrap_or_default();
        let number = |digits: Option<&str>| digits.and_then(|digits| digits.parse::<u32>().ok()).unwrap_or_default();
        let shape =
            date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
        let real = (1..=12).contains(&number(date.get(5..7))) && (1..=31).contains(&number(date.get(8..)));
        date == "preview" || (date.len() == 10 && shape && real && date >= since)
    })
}
