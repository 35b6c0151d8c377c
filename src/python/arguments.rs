//! Arguments whose refusal says which one is meant.

use crate::api::Invalid;
use crate::python::outcome;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUnicodeError};
#[cfg(feature = "stubs")]
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use std::convert::Infallible;

/// An argument that is judged once its name is known. pyo3's own refusals do not name it, let Python's `OverflowError`
/// and `UnicodeEncodeError` through, and the latter carries the whole text with it, be it a key.
pub(super) struct Argument<T>(PyResult<T>);

impl<'a, 'py, T: FromPyObject<'a, 'py>> FromPyObject<'a, 'py> for Argument<T> {
    type Error = Infallible;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: PyStaticExpr = T::INPUT_TYPE;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(object.extract().map_err(Into::into)))
    }
}

impl<T> Argument<T> {
    /// The value; else a `TypeError` or `ValidationError` that names the argument.
    pub(super) fn named(self, py: Python<'_>, field: &'static str) -> PyResult<T> {
        self.0.map_err(|error| {
            let rule = if error.is_instance_of::<PyOverflowError>(py) {
                "must be a smaller number"
            } else if error.is_instance_of::<PyUnicodeError>(py) {
                "must be valid Unicode, without lone surrogates"
            } else if error.is_instance_of::<PyTypeError>(py) {
                return PyTypeError::new_err(format!("{field}: {}", error.value(py)));
            } else {
                return error;
            };
            outcome::exception(py, &Invalid::new(field, rule).into())
        })
    }
}
