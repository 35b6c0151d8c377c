//! The requests that are kept for inspection, without their secrets.

use super::super::digest::Credentials;
use super::super::stats::{RecordedAuthorization, RecordedRequest};
use super::Incoming;
use http::header;
use std::collections::BTreeMap;

struct Kept {
    request: RecordedRequest,
    finished: bool,
}

/// Requests by their numbers, in the order of arrival.
#[derive(Default)]
pub(super) struct Requests {
    kept: BTreeMap<u64, Kept>,
    next: u64,
}

impl Requests {
    /// The number of a request that arrived; `keep` says whether it can be looked at later.
    pub(super) fn arrived(&mut self, incoming: &Incoming, keep: bool) -> u64 {
        let number = self.next;
        self.next += 1;
        if keep {
            self.kept.insert(number, Kept { request: recorded(incoming), finished: false });
        }
        number
    }

    /// Notes the status of the answer, or that there was none.
    pub(super) fn finished(&mut self, number: u64, status: Option<u16>) {
        if let Some(kept) = self.kept.get_mut(&number) {
            kept.request.status = status;
            kept.finished = true;
        }
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.kept.values().map(|kept| kept.request.clone()).collect()
    }

    /// Takes the requests out that are done with.
    pub(super) fn take_finished(&mut self) -> Vec<RecordedRequest> {
        let (finished, open): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.kept).into_iter().partition(|(_, kept)| kept.finished);
        self.kept = open;
        finished.into_values().map(|kept: Kept| kept.request).collect()
    }

    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }
}

fn recorded(incoming: &Incoming) -> RecordedRequest {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut authorization = None;
    for (name, value) in &incoming.headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == header::AUTHORIZATION {
            let (scheme, rest) = text.split_once(' ').unwrap_or((&text, ""));
            authorization = if scheme.eq_ignore_ascii_case("digest") { Credentials::parse(rest).ok() } else { None };
            match &authorization {
                None => scheme.to_owned(),
                Some(kept) => {
                    let mut text = format!("{scheme} nonce={:?}, uri={:?}", kept.nonce, kept.uri);
                    if let Some(algorithm) = &kept.algorithm {
                        text += &format!(", algorithm={algorithm}");
                    }
                    if let Some(qop) = &kept.qop {
                        text += &format!(", qop=auth, nc={}", qop.nc);
                    }
                    text
                }
            }
        } else {
            text.into_owned()
        };
        headers.entry(name.as_str().to_owned()).and_modify(|all| *all += &format!(", {text}")).or_insert(text);
    }
    RecordedRequest {
        method: incoming.method.to_string(),
        target: incoming.target.clone(),
        headers,
        authorization: authorization.map(|kept| RecordedAuthorization {
            username: kept.username,
            nonce: kept.nonce,
            uri: kept.uri,
            algorithm: kept.algorithm,
            qop: kept.qop.as_ref().map(|_| "auth".to_owned()),
            nc: kept.qop.map(|qop| qop.count),
        }),
        // a form of OAuth holds secrets
        body: match incoming.target.starts_with("/api/oauth/") {
            true => "…".to_owned(),
            false => String::from_utf8_lossy(&incoming.body).into_owned(),
        },
        status: None,
    }
}
