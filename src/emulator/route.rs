//! What a request-target names.

use super::families::Target;
use crate::api::ApiVersion;
use http::Method;
use serde_json::{Value, json};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    number: usize,
    size: usize,
    is_counted: bool,
}

impl Page {
    /// That part, in Atlas's frame.
    pub(crate) fn of(self, all: Vec<Value>) -> Value {
        let total = all.len();
        let results: Vec<_> = all.into_iter().skip((self.number - 1) * self.size).take(self.size).collect();
        let mut page = json!({"links": [], "results": results});
        if let (true, Value::Object(fields)) = (self.is_counted, &mut page) {
            fields.insert("totalCount".to_owned(), json!(total));
        }
        page
    }
}

/// A target's path, and the parameters that every resource understands.
pub(crate) struct Query<'a> {
    pub(crate) path: &'a str,
    pub(crate) pretty: bool,
    pub(crate) envelope: bool,
    pub(crate) page: Page,
}

impl<'a> Query<'a> {
    pub(crate) fn parse(target: &'a str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (mut pretty, mut envelope) = (false, false);
        let mut page = Page { number: 1, size: 100, is_counted: true };
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("pretty", value)) => pretty = value.eq_ignore_ascii_case("true"),
                Some(("envelope", value)) => envelope = value.eq_ignore_ascii_case("true"),
                Some(("pageNum", value)) => page.number = value.parse().unwrap_or(1).max(1),
                Some(("includeCount", value)) => page.is_counted = !value.eq_ignore_ascii_case("false"),
                Some(("itemsPerPage", value)) => page.size = value.parse().unwrap_or(100).clamp(1, 500),
                _ => {}
            }
        }
        Self { path, pretty, envelope, page }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The endpoints of one instance, or one of them.
    Serverless { version: ApiVersion, group: String, instance: String, id: Option<String> },
    /// What another family has.
    Family { version: ApiVersion, group: String, target: Target },
    /// The serverless instances or clusters of a project, or one of them.
    Deployments { version: ApiVersion, group: String, serverless: bool, name: Option<String> },
    /// All projects, or the one of that name.
    Projects { version: ApiVersion, name: Option<String> },
    /// Nothing that the emulator has.
    Unknown { version: ApiVersion },
}

impl Route {
    pub(crate) fn parse(path: &str) -> Self {
        let versions = [ApiVersion::V1_0, ApiVersion::V2];
        let found = versions.into_iter().find_map(|v| Some((v, path.strip_prefix(v.prefix())?.strip_prefix('/')?)));
        let Some((version, rest)) = found else { return Route::Unknown { version: ApiVersion::V1_0 } };
        let segments: Option<Vec<String>> = rest.split('/').map(decode).collect();
        let segments = segments.unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, instance, id) = match segments.as_slice() {
            ["groups", group, "privateEndpoint", "serverless", "instance", instance, "endpoint"] => {
                (group, instance, None)
            }
            ["groups", group, "privateEndpoint", "serverless", "instance", instance, "endpoint", id] => {
                (group, instance, Some((*id).to_owned()))
            }
            ["groups"] => return Route::Projects { version, name: None },
            ["groups", "byName", name] => return Route::Projects { version, name: Some((*name).to_owned()) },
            ["groups", group, kind @ ("serverless" | "clusters"), name @ ..] if name.len() < 2 => {
                let (group, name) = ((*group).to_owned(), name.first().map(|name| (*name).to_owned()));
                return Route::Deployments { version, group, serverless: *kind == "serverless", name };
            }
            ["groups", group, rest @ ..] => {
                return match Target::parse(rest).filter(|target| target.is_in(version)) {
                    Some(target) => Route::Family { version, group: (*group).to_owned(), target },
                    None => Route::Unknown { version },
                };
            }
            _ => return Route::Unknown { version },
        };
        Route::Serverless { version, group: (*group).to_owned(), instance: (*instance).to_owned(), id }
    }

    /// The date of the first resource version that an operation is in.
    pub(crate) fn since(&self, method: &Method) -> &'static str {
        let media_type = match self {
            Route::Family { target, .. } => target.media_type(method),
            _ => None,
        };
        let media_type = media_type.unwrap_or(ApiVersion::V2.media_type());
        media_type.split_once("vnd.atlas.").and_then(|(_, rest)| rest.split('+').next()).unwrap_or_default()
    }

    pub(crate) fn version(&self) -> ApiVersion {
        match self {
            Route::Serverless { version, .. }
            | Route::Family { version, .. }
            | Route::Deployments { version, .. }
            | Route::Projects { version, .. }
            | Route::Unknown { version } => *version,
        }
    }
}

/// Percent-decoding; `None` if it is not valid or not UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
                u8::try_from(high? * 16 + low?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let root = "/groups/5f7cac1adf5d6c6306f4b283/privateEndpoint/serverless/instance/Instance%30/endpoint";
        let found = Route::parse(&format!("/api/atlas/v2{root}/abc"));
        assert_eq!(Route::parse("/api/atlas/v2/groups"), Route::Projects { version: ApiVersion::V2, name: None });
        let Route::Serverless { version, group, instance, id } = found else { panic!() };
        assert_eq!((version, instance.as_str(), id.as_deref()), (ApiVersion::V2, "Instance0", Some("abc")));
        assert_eq!(group, "5f7cac1adf5d6c6306f4b283");
        for path in ["/", "/api/atlas/v2", "/api/atlas/v1.0/groups/", "/api/atlas/v1.05/groups", "/api/atlas/v2/%zz"] {
            assert!(matches!(Route::parse(path), Route::Unknown { .. }), "{path}");
        }
        assert!(matches!(Route::parse(&format!("/api/atlas/v2{root}/")), Route::Serverless { id: Some(_), .. }));
    }

    #[test]
    fn flags() {
        let query = Query::parse("/x?pretty=TRUE&envelope=1&other");
        assert_eq!((query.path, query.pretty, query.envelope), ("/x", true, false));
        assert!(Query::parse("/x?envelope=true").envelope);
    }
}
