//! `envelope=true`: the HTTP status moves into the body.

use serde_json::Value;

/// Takes an answer out of its envelope: the inner status, and the inner body.
///
/// The original page calls the inner field `envelope`, the later reference `content`; either is read. A body that is
/// no envelope comes back as it is under the status outside, for a server that did not heed the parameter.
pub fn open(status: u16, body: Value) -> (u16, Value) {
    let Value::Object(mut fields) = body else { return (status, body) };
    let inner_status = fields.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
    match inner_status.filter(|s| (100..600).contains(s)) {
        None => (status, Value::Object(fields)),
        Some(inner) => {
            let content = fields.remove("envelope").or_else(|| fields.remove("content"));
            (inner, content.unwrap_or(Value::Null))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::open;
    use serde_json::json;

    #[test]
    fn both_spellings_and_none() {
        assert_eq!(open(200, json!({"status": 201, "envelope": {"_id": "a"}})), (201, json!({"_id": "a"})));
        assert_eq!(open(200, json!({"status": 404, "content": {"error": 404}})), (404, json!({"error": 404})));
        assert_eq!(open(200, json!({"status": 204})), (204, json!(null)));
        let plain = json!({"_id": "a", "status": "RESERVED"});
        assert_eq!(open(201, plain.clone()), (201, plain));
        assert_eq!(open(200, json!([1])), (200, json!([1])));
    }
}
