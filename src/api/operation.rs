//! What a call does: the requests that it may need, and how to tell whether it was done.

use crate::api::resource::Resource;
use crate::api::{Request, comparable_id};
use serde_json::Value;

/// Fields that a resource has to bear to be the one that is meant, by their names in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Marks(pub Vec<(&'static str, Value)>);

impl Marks {
    /// Whether a resource bears them all; one that is null must be absent, and one that is false
    /// may be.
    pub fn are_on(&self, resource: &Resource) -> bool {
        self.0.iter().all(|(name, wanted)| match (resource.field(name), wanted) {
            (None, Value::Null | Value::Bool(false)) => true,
            (Some(Value::String(found)), Value::String(wanted)) => comparable_id(found) == comparable_id(wanted),
            (found, wanted) => found == Some(wanted),
        })
    }
}

/// What a call does.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Asks; pages are put together.
    Read(Request),
    /// Asks, and picks the one that bears the marks.
    Find(Request, Marks),
    /// Makes one resource, exactly once.
    Create(Create),
    /// Brings a resource or setting into a state.
    Update(Update),
    /// Removes a resource.
    Delete(Request),
}

/// The making of a resource.
#[derive(Debug, Clone)]
pub struct Create {
    /// What makes it.
    pub request: Request,
    /// What shows whether it is there: a list, or the resource itself.
    pub look: Request,
    /// What it is recognised by.
    pub marks: Marks,
    /// What Atlas does when asked for a second one with the same marks.
    pub second: Second,
    /// What to do where there is one.
    pub if_exists: IfExists,
    /// What to do with the look by hand, or instead of it, for the error that has to say so.
    pub by_hand: &'static str,
}

/// What Atlas does when asked for a second resource with the same marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Makes it.
    Made,
    /// Answers 409: asking again can do no harm.
    Refused,
}

/// What to do where a resource may exist already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Ask Atlas for one all the same.
    #[default]
    Create,
    /// Return the one that bears the same marks.
    Adopt,
}

/// A change that can be repeated, because it says what shall be.
#[derive(Debug, Clone)]
pub struct Update {
    /// What changes it.
    pub request: Request,
    /// What shows whether it is changed.
    pub look: Request,
    /// How it is then.
    pub effect: Effect,
}

/// How a resource or setting is after a change.
#[derive(Debug, Clone)]
pub enum Effect {
    /// The resource bears these.
    Marks(Marks),
    /// The setting has this value.
    Flag(bool),
}

/// What shows how a resource is doing, for those who wait for it.
#[derive(Debug, Clone)]
pub struct Watch {
    /// A list where there is one, so that many can share it.
    pub look: Request,
    /// The one that is meant.
    pub id: String,
    /// What people call it.
    pub noun: &'static str,
    /// Whether it is known to exist: then one that is not there is gone.
    pub exists: bool,
}
