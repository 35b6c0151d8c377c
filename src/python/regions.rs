//! The two names of a region, for Python; and the warning about a region that is in no table.

use crate::api::{CloudProvider, Region};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The cloud's own name of a region, from either name; unchanged for an unknown cloud.
#[pyfunction]
pub(super) fn cloud_region(py: Python<'_>, provider: &str, region: &str) -> PyResult<String> {
    Ok(named(py, provider, region)?.map_or_else(|| region.to_owned(), |region| region.cloud))
}

/// Atlas's name of a region, from either name; unchanged for an unknown cloud.
#[pyfunction]
pub(super) fn atlas_region(py: Python<'_>, provider: &str, region: &str) -> PyResult<String> {
    Ok(named(py, provider, region)?.map_or_else(|| region.to_owned(), |region| region.atlas))
}

fn named(py: Python<'_>, provider: &str, region: &str) -> PyResult<Option<Region>> {
    let clouds = [CloudProvider::Aws, CloudProvider::Azure, CloudProvider::Gcp];
    let cloud = clouds.into_iter().find(|cloud| cloud.name().eq_ignore_ascii_case(provider));
    cloud.map(|cloud| known_or_warned(py, cloud, region)).transpose()
}

/// Both names of a region, with a Python warning where they follow by rule.
pub(super) fn known_or_warned(py: Python<'_>, provider: CloudProvider, name: &str) -> PyResult<Region> {
    static WARN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let region = provider.region(name);
    if !region.is_known && !name.is_empty() {
        let warn = WARN.import(py, "atlas_privatelink._warnings", "warn_of_unknown_region")?;
        warn.call1((provider.name(), name, &region.cloud, &region.atlas))?;
    }
    Ok(region)
}
