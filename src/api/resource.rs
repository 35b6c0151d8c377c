//! One resource as Atlas sends it, read by a table of its fields.

use serde_json::{Map, Value};

/// How far a resource has come, in the order of its life. Every family has words of its own for these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A word that was unknown when this was written.
    Unknown,
    /// Atlas prepares it.
    Pending,
    /// Atlas waits for the cloud provider's side.
    Reserved,
    /// Both sides exist and are being connected.
    Connecting,
    /// Usable.
    Available,
    /// It will not come.
    Failed,
    /// On its way out.
    Deleting,
    /// Gone, and still listed.
    Deleted,
}

/// An endpoint that Atlas itself makes towards a customer's storage or keys: what the families have in common.
pub(super) const STORAGE_ENDPOINT: Model = Model {
    name: "StorageEndpoint",
    noun: "endpoint",
    id: &["id", "_id"],
    status: &["status"],
    stages: &[
        ("INITIATING", Stage::Pending),
        ("PENDING_ACCEPTANCE", Stage::Reserved),
        ("PENDING_RECREATION", Stage::Connecting),
        ("ACTIVE", Stage::Available),
        ("FAILED", Stage::Failed),
        ("DELETING", Stage::Deleting),
    ],
    fields: &[],
};

/// The type that a field should have.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Texts,
    Objects,
    /// Objects that a function makes of what Atlas sends.
    Parts(fn(&Value) -> Vec<Value>),
}

/// One field. The first of its names is the one to ask for it by.
#[derive(Debug)]
pub struct Field {
    names: &'static [&'static str],
    kind: Kind,
}

impl Field {
    /// A string.
    pub const fn text(names: &'static [&'static str]) -> Self {
        Self { names, kind: Kind::Text }
    }

    /// A boolean.
    pub const fn flag(names: &'static [&'static str]) -> Self {
        Self { names, kind: Kind::Flag }
    }

    /// An array of strings.
    pub const fn texts(names: &'static [&'static str]) -> Self {
        Self { names, kind: Kind::Texts }
    }

    /// An array of objects.
    pub const fn objects(names: &'static [&'static str]) -> Self {
        Self { names, kind: Kind::Objects }
    }

    /// An array of objects that are made of an object or array.
    pub const fn parts(names: &'static [&'static str], of: fn(&Value) -> Vec<Value>) -> Self {
        Self { names, kind: Kind::Parts(of) }
    }

    /// The names that it goes by in JSON.
    pub fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// Whether it is an array.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, Kind::Texts | Kind::Objects | Kind::Parts(_))
    }

    fn fits(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (Kind::Text, Value::String(_)) | (Kind::Flag, Value::Bool(_)) => true,
            (Kind::Parts(_), Value::Array(_) | Value::Object(_)) => true,
            (Kind::Texts, Value::Array(items)) => items.iter().all(Value::is_string),
            (Kind::Objects, Value::Array(items)) => items.iter().all(Value::is_object),
            _ => false,
        }
    }
}

/// What is known of a kind of resource. A family's file has one for each of its kinds.
#[derive(Debug)]
pub struct Model {
    /// Its name among the models.
    pub name: &'static str,
    /// What people call one of them.
    pub noun: &'static str,
    /// The names that its id goes by in JSON.
    pub id: &'static [&'static str],
    /// The names that its status goes by in JSON.
    pub status: &'static [&'static str],
    /// What the words of its status mean.
    pub stages: &'static [(&'static str, Stage)],
    /// Its other fields.
    pub fields: &'static [Field],
}

/// One resource as Atlas sent it.
#[derive(Debug, Clone)]
pub struct Resource {
    /// What is known of its kind.
    pub model: &'static Model,
    /// What it is referred to by.
    pub id: String,
    /// Its status, in Atlas's word.
    pub status: Option<String>,
    /// The values of the model's fields, in their order; null where absent.
    pub values: Vec<Value>,
    /// What Atlas sent beyond that, by its own names; also a known field whose type was a surprise.
    pub extra: Map<String, Value>,
}

impl Resource {
    /// Reads a resource. Only the id is needed, and not even that where the request named it and anything else is known
    /// about it; the patterns of the
    /// specification are not applied, since Atlas's own examples break them.
    ///
    /// # Errors
    /// A sentence about what is missing.
    pub fn from_json(model: &'static Model, value: Value, requested_id: Option<&str>) -> Result<Self, String> {
        let Value::Object(mut extra) = value else {
            return Err(format!("expected an {} object, got {}", model.noun, kind(&value)));
        };
        let mut text = |names| take(&mut extra, &Field::text(names));
        let id = match text(model.id) {
            Value::String(id) if !id.is_empty() => Some(id),
            _ => None,
        };
        let status = match text(model.status) {
            Value::String(status) => Some(status),
            _ => None,
        };
        let values: Vec<Value> = model.fields.iter().map(|field| take(&mut extra, field)).collect();
        let is_one = status.is_some() || values.iter().any(|value| !value.is_null());
        let Some(id) = id.or_else(|| requested_id.filter(|_| is_one).map(str::to_owned)) else {
            let name = model.id.first().copied().unwrap_or("id");
            return Err(format!("the {} in the answer has no {name}", model.noun));
        };
        Ok(Self { model, id, status, values, extra })
    }

    /// Reads a list: a bare array, or a page with `results`.
    ///
    /// # Errors
    /// A sentence about what is not as documented.
    pub fn list_from_json(model: &'static Model, value: Value) -> Result<Vec<Self>, String> {
        let items = match value {
            Value::Array(items) => items,
            Value::Object(mut page) if page.get("results").is_some_and(Value::is_array) => match page.remove("results")
            {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            },
            other => return Err(format!("expected an array of {}s, got {}", model.noun, kind(&other))),
        };
        items.into_iter().map(|item| Self::from_json(model, item, None)).collect()
    }

    /// A field of the model.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let at = self.model.fields.iter().position(|field| field.names.contains(&name))?;
        self.values.get(at).filter(|value| !value.is_null())
    }

    /// A text field of the model.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_str)
    }

    /// What Atlas says went wrong.
    pub fn error_message(&self) -> Option<&str> {
        self.text("errorMessage")
    }

    /// How far it has come; what has no status is there or not, and what is to be deleted is on its way out already.
    pub fn stage(&self) -> Stage {
        match self.stage_by_status() {
            Stage::Deleted => Stage::Deleted,
            _ if self.field("deleteRequested") == Some(&Value::Bool(true)) => Stage::Deleting,
            stage => stage,
        }
    }

    fn stage_by_status(&self) -> Stage {
        if self.model.status.is_empty() {
            return Stage::Available;
        }
        let Some(status) = &self.status else { return Stage::Unknown };
        let known = self.model.stages.iter().find(|(word, _)| word.eq_ignore_ascii_case(status));
        known.map_or(Stage::Unknown, |(_, stage)| *stage)
    }

    /// When Atlas made it, in seconds since 1970: the first four bytes of an ObjectId.
    pub fn created_at(&self) -> Option<u64> {
        if self.id.len() != 24 {
            return None;
        }
        u64::from_str_radix(self.id.get(..8)?, 16).ok()
    }
}

/// The first of its names that fits; one that does not stays where it is.
fn take(from: &mut Map<String, Value>, field: &Field) -> Value {
    for name in field.names {
        match from.get(*name) {
            Some(Value::Null) => {
                from.remove(*name);
            }
            Some(value) if field.fits(value) => {
                let value = from.remove(*name).unwrap_or_default();
                return match field.kind {
                    Kind::Parts(of) => Value::Array(of(&value)),
                    _ => value,
                };
            }
            _ => {}
        }
    }
    Value::Null
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
