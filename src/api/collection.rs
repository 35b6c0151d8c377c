//! What the smaller families have in common: one collection in a project, with a list, and one path for each resource.

use crate::api::operation::{Create, IfExists, Marks, Operation, Second, Watch};
use crate::api::request::{CommonQuery, Expected, Request, segment};
use crate::api::resource::Model;
use crate::api::{ApiVersion, Invalid, validate};
use http::Method;
use serde_json::Value;

/// What is known of a family's collection.
#[derive(Debug)]
pub struct Family {
    /// What it holds.
    pub model: &'static Model,
    /// Its resource version; where absent, that of the API's version.
    pub media_type: Option<&'static str>,
    /// The names of its operations.
    pub names: Names,
    /// The argument that names one resource.
    pub id_field: &'static str,
    /// The rule for it.
    pub check_id: fn(&'static str, &str) -> Result<(), Invalid>,
}

/// The names of a family's operations.
#[derive(Debug)]
pub struct Names {
    /// Return all.
    pub list: &'static str,
    /// Return one.
    pub get: &'static str,
    /// Create one.
    pub create: &'static str,
    /// Remove one.
    pub delete: &'static str,
}

/// The collection of a project.
#[derive(Debug, Clone)]
pub struct Collection {
    family: &'static Family,
    path: String,
    version: ApiVersion,
    query: CommonQuery,
}

impl Collection {
    /// The collection at `path` below the project.
    ///
    /// # Errors
    /// The project's id is not Atlas's, or the version has no such operation.
    pub fn new(
        family: &'static Family,
        version: Option<ApiVersion>,
        group_id: &str,
        path: &str,
        query: CommonQuery,
    ) -> Result<Self, Invalid> {
        validate::object_id("group_id", group_id)?;
        let version = ApiVersion::v2_only(version)?;
        Ok(Self { family, path: format!("/groups/{group_id}/{path}"), version, query })
    }

    fn request(&self, operation: &'static str, method: Method, path: &str, expected: Expected) -> Request {
        let request = Request::new(operation, method, self.version, path, self.query, expected);
        match self.family.media_type {
            Some(media_type) => request.with_media_type(media_type),
            None => request,
        }
    }

    /// A request about one resource.
    ///
    /// # Errors
    /// An id that is none.
    pub(super) fn request_for(
        &self,
        operation: &'static str,
        method: Method,
        id: &str,
        expected: Expected,
    ) -> Result<Request, Invalid> {
        (self.family.check_id)(self.family.id_field, id)?;
        let path = format!("{}/{}", self.path, segment(id));
        Ok(self.request(operation, method, &path, expected).about(id))
    }

    pub(super) fn look(&self) -> Request {
        let expected = Expected::Many(self.family.model);
        self.request(self.family.names.list, Method::GET, &self.path, expected).paginated()
    }

    pub(super) fn look_at(&self, id: &str) -> Result<Request, Invalid> {
        self.request_for(self.family.names.get, Method::GET, id, Expected::One(self.family.model))
    }

    /// Return all.
    pub fn list(&self) -> Operation {
        Operation::Read(self.look())
    }

    /// Return one.
    ///
    /// # Errors
    /// An id that is none.
    pub fn get(&self, id: &str) -> Result<Operation, Invalid> {
        self.look_at(id).map(Operation::Read)
    }

    /// Remove one.
    ///
    /// # Errors
    /// An id that is none.
    pub fn delete(&self, id: &str) -> Result<Operation, Invalid> {
        self.request_for(self.family.names.delete, Method::DELETE, id, Expected::Nothing).map(Operation::Delete)
    }

    /// What shows how one is doing: the list.
    ///
    /// # Errors
    /// An id that is none.
    pub fn watch(&self, id: &str) -> Result<Watch, Invalid> {
        (self.family.check_id)(self.family.id_field, id)?;
        Ok(Watch { look: self.look(), id: id.to_owned(), noun: self.family.model.noun, exists: true })
    }

    /// The making of one that Atlas names, and that is recognised by what was said of it.
    pub(super) fn create(&self, body: &Value, marks: Marks) -> Create {
        let (operation, expected) = (self.family.names.create, Expected::One(self.family.model));
        Create {
            request: self.request(operation, Method::POST, &self.path, expected).with_body(body),
            look: self.look(),
            marks,
            second: Second::Made,
            if_exists: IfExists::Create,
            by_hand: " and compare",
        }
    }
}
