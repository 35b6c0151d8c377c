//! The operations by the names that Python calls them by: a row for each.

use crate::api::operation::{IfExists, Operation, Watch};
use crate::api::request::CommonQuery;
use crate::api::serverless::{self, Instance};
use crate::api::{
    ApiVersion, CloudProvider, Invalid, backup, data_federation, dedicated, deployment, encryption_at_rest,
    stream_processing, validate,
};
use crate::client::Options;
use crate::python::arguments::Argument;
use crate::python::regions;
use CloudProvider::{Aws, Azure, Gcp};
use pyo3::exceptions::{PyLookupError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::RefCell;

/// Why an operation cannot be made.
pub(super) enum Refusal {
    /// An argument of the wrong type, or of the wrong name.
    Python(PyErr),
    /// An argument that breaks a rule.
    Invalid(Invalid),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// The arguments of one call, by name.
pub(super) struct Arguments<'a, 'py> {
    operation: &'a str,
    given: &'a Bound<'py, PyDict>,
    options: &'a Options,
    taken: RefCell<Vec<&'static str>>,
    /// The regions among them.
    regions: RefCell<Vec<(CloudProvider, String)>>,
}

impl<'a, 'py> Arguments<'a, 'py> {
    pub(super) fn new(operation: &'a str, given: &'a Bound<'py, PyDict>, options: &'a Options) -> Self {
        Self { operation, given, options, taken: RefCell::default(), regions: RefCell::default() }
    }

    fn take<T>(&self, name: &'static str) -> PyResult<Option<T>>
    where
        T: for<'b> FromPyObject<'b, 'py>,
    {
        self.taken.borrow_mut().push(name);
        match self.given.get_item(name)?.filter(|value| !value.is_none()) {
            Some(value) => value.extract::<Argument<T>>()?.named(self.given.py(), name).map(Some),
            None => Ok(None),
        }
    }

    fn required<T>(&self, name: &'static str) -> PyResult<T>
    where
        T: for<'b> FromPyObject<'b, 'py>,
    {
        if let Some(value) = self.take(name)? {
            return Ok(value);
        }
        if self.given.contains(name)? {
            // the refusal of `None`, in the words for any other value
            let none = self.given.py().None().into_bound(self.given.py());
            return none.extract::<Argument<T>>()?.named(self.given.py(), name);
        }
        Err(PyTypeError::new_err(format!("{}() is missing the argument {name:?}", self.operation)))
    }

    /// An argument with a default, which `None` is not.
    fn defaulted<T>(&self, name: &'static str, default: T) -> PyResult<T>
    where
        T: for<'b> FromPyObject<'b, 'py>,
    {
        if self.given.contains(name)? {
            return self.required(name);
        }
        self.taken.borrow_mut().push(name);
        Ok(default)
    }

    fn text(&self, name: &'static str) -> PyResult<String> {
        self.required(name)
    }

    fn version(&self) -> Option<ApiVersion> {
        self.options.api_version
    }

    fn query(&self) -> PyResult<CommonQuery> {
        let CommonQuery { pretty, envelope } = self.options.query;
        Ok(CommonQuery {
            pretty: self.defaulted("pretty", false)? || pretty,
            envelope: self.defaulted("envelope", false)? || envelope,
        })
    }

    fn instance(&self) -> Result<Instance, Refusal> {
        Ok(Instance::new(&self.text("group_id")?, &self.text("instance_name")?)?)
    }

    fn project(&self) -> Result<dedicated::Project, Refusal> {
        Ok(dedicated::Project::new(self.version(), &self.text("group_id")?, self.options.query)?)
    }

    fn provider(&self, allowed: &[CloudProvider]) -> Result<CloudProvider, Refusal> {
        Ok(CloudProvider::from_name("provider", &self.text("provider")?, allowed)?)
    }

    /// A region's name, which is passed on with a warning where it is in no table and all else is right.
    fn region(&self, name: &'static str, provider: CloudProvider) -> Result<Option<String>, Refusal> {
        let region: Option<String> = self.take(name)?;
        self.note_regions(provider, region.as_slice());
        Ok(region)
    }

    fn required_region(&self, name: &'static str, provider: CloudProvider) -> Result<String, Refusal> {
        let region = self.text(name)?;
        self.note_regions(provider, std::slice::from_ref(&region));
        Ok(region)
    }

    fn note_regions(&self, provider: CloudProvider, names: &[String]) {
        self.regions.borrow_mut().extend(names.iter().map(|name| (provider, name.clone())));
    }

    fn if_exists(&self, otherwise: &'static str) -> Result<IfExists, Refusal> {
        match self.defaulted("if_exists", otherwise.to_owned())?.as_str() {
            "adopt" => Ok(IfExists::Adopt),
            word if word == otherwise => Ok(IfExists::Create),
            other => {
                let rule = format!("must be {otherwise:?} or \"adopt\", got {}", validate::quoted(other));
                Err(Invalid::new("if_exists", rule).into())
            }
        }
    }

    /// Refuses what nobody asked for, and warns of unknown regions.
    fn finish(&self) -> PyResult<()> {
        for name in self.given.keys() {
            let name: String = name.extract()?;
            if !self.taken.borrow().contains(&name.as_str()) {
                return Err(PyTypeError::new_err(format!("{}() has no argument {name:?}", self.operation)));
            }
        }
        for (provider, name) in self.regions.borrow().iter() {
            regions::known_or_warned(self.given.py(), *provider, name)?;
        }
        Ok(())
    }
}

/// The operation of that name.
pub(super) fn operation(a: &Arguments<'_, '_>) -> Result<Operation, Refusal> {
    let operation = match a.operation {
        "create_endpoint" => {
            let (instance, comment) = (a.instance(), a.take::<String>("comment")?);
            let (if_exists, query) = (a.if_exists("create"), a.query()?);
            serverless::create(a.version(), &instance?, comment.as_deref(), if_exists?, query)?
        }
        "list_endpoints" => {
            let (instance, query) = (a.instance(), a.query()?);
            serverless::list(a.version(), &instance?, query)
        }
        "find_endpoint" => {
            let (instance, comment) = (a.instance(), a.text("comment")?);
            serverless::find(a.version(), &instance?, &comment)?
        }
        "get_endpoint" => {
            let (instance, id, query) = (a.instance(), a.text("endpoint_id")?, a.query()?);
            serverless::get(a.version(), &instance?, &id, query)?
        }
        "update_endpoint" => {
            let (instance, id, query) = (a.instance(), a.text("endpoint_id")?, a.query()?);
            let provider = a.take::<String>("provider_name")?;
            let change = serverless::Change {
                provider: provider
                    .map(|name| CloudProvider::from_name("provider_name", &name, &[Aws, Azure]))
                    .transpose()?,
                cloud_provider_endpoint_id: a.take("cloud_provider_endpoint_id")?,
                private_endpoint_ip_address: a.take("private_endpoint_ip_address")?,
                comment: a.take("comment")?,
            };
            serverless::update(a.version(), &instance?, &id, &change, query)?
        }
        "delete_endpoint" => {
            let (instance, id, query) = (a.instance(), a.text("endpoint_id")?, a.query()?);
            serverless::delete(a.version(), &instance?, &id, query)?
        }

        "dedicated.create_service" => {
            let (project, provider) = (a.project()?, a.provider(&[Aws, Azure, Gcp])?);
            let remote_regions: Option<Vec<String>> = a.take("supported_remote_regions")?;
            if provider == Aws {
                a.note_regions(Aws, remote_regions.as_deref().unwrap_or_default());
            }
            let service = dedicated::NewService {
                provider,
                region: a.required_region("region", provider)?,
                supported_remote_regions: remote_regions,
                port_mapping_enabled: a.take("port_mapping_enabled")?,
            };
            project.create_service(&service, a.if_exists("error")?)?
        }
        "dedicated.list_services" => a.project()?.list_services(a.provider(&[Aws, Azure, Gcp])?),
        "dedicated.get_service" => a.project()?.get_service(a.provider(&[Aws, Azure, Gcp])?, &a.text("service_id")?)?,
        "dedicated.update_service" => {
            let regions: Vec<String> = a.required("supported_remote_regions")?;
            a.note_regions(Aws, &regions);
            a.project()?.update_service(&a.text("service_id")?, &regions)?
        }
        "dedicated.delete_service" => {
            a.project()?.delete_service(a.provider(&[Aws, Azure, Gcp])?, &a.text("service_id")?)?
        }
        "dedicated.create_endpoint" => {
            let (project, provider) = (a.project()?, a.provider(&[Aws, Azure, Gcp])?);
            let endpoint = dedicated::NewEndpoint {
                id: a.text("endpoint_id")?,
                private_endpoint_ip_address: a.take("private_endpoint_ip_address")?,
                gcp_project_id: a.take("gcp_project_id")?,
                endpoints: a.take("endpoints")?,
            };
            project.create_endpoint(provider, &a.text("service_id")?, &endpoint, a.if_exists("error")?)?
        }
        "dedicated.get_endpoint" => {
            let (provider, service) = (a.provider(&[Aws, Azure, Gcp])?, a.text("service_id")?);
            a.project()?.get_endpoint(provider, &service, &a.text("endpoint_id")?)?
        }
        "dedicated.delete_endpoint" => {
            let (provider, service) = (a.provider(&[Aws, Azure, Gcp])?, a.text("service_id")?);
            a.project()?.delete_endpoint(provider, &service, &a.text("endpoint_id")?)?
        }
        "dedicated.get_cluster" => deployment::get_cluster(&a.text("group_id")?, &a.text("cluster_name")?)?,
        "dedicated.list_clusters" => deployment::list_clusters(&a.text("group_id")?)?,
        "dedicated.get_regional_mode" => a.project()?.get_regional_mode(),
        "dedicated.set_regional_mode" => a.project()?.set_regional_mode(a.required("enabled")?),

        "data_federation.list_endpoints" => data_federation_endpoints(a)?.list(),
        "data_federation.get_endpoint" => data_federation_endpoints(a)?.get(&a.text("endpoint_id")?)?,
        "data_federation.delete_endpoint" => data_federation_endpoints(a)?.delete(&a.text("endpoint_id")?)?,
        "data_federation.create_endpoint" => {
            let provider: Option<String> = a.take("provider")?;
            let provider =
                provider.map(|name| CloudProvider::from_name("provider", &name, &[Aws, Azure])).transpose()?;
            let id = a.text("endpoint_id")?;
            let region_of = provider.or_else(|| CloudProvider::of_endpoint(&id)).unwrap_or(Aws);
            let endpoint = data_federation::NewEndpoint {
                region: a.region("region", region_of)?,
                id,
                provider,
                comment: a.take("comment")?,
                customer_endpoint_dns_name: a.take("customer_endpoint_dns_name")?,
                customer_endpoint_ip_address: a.take("customer_endpoint_ip_address")?,
            };
            data_federation::create(&data_federation_endpoints(a)?, &endpoint)?
        }

        "stream_processing.list_connections" => stream_connections(a)?.list(),
        "stream_processing.get_connection" => stream_connections(a)?.get(&a.text("connection_id")?)?,
        "stream_processing.delete_connection" => stream_connections(a)?.delete(&a.text("connection_id")?)?,
        "stream_processing.update_connection" => {
            stream_processing::update(&stream_connections(a)?, &a.text("connection_id")?, &a.text("dns_domain")?)?
        }
        "stream_processing.create_connection" => {
            let provider = a.provider(&[Aws, Azure, Gcp])?;
            let connection = stream_processing::NewConnection {
                provider,
                region: a.region("region", provider)?,
                vendor: a.take("vendor")?,
                service_endpoint_id: a.take("service_endpoint_id")?,
                dns_domain: a.take("dns_domain")?,
                dns_sub_domain: a.take("dns_sub_domain")?,
                arn: a.take("arn")?,
                authentication_scheme: a.take("authentication_scheme")?,
                azure_resource_ids: a.take("azure_resource_ids")?,
                gcp_service_attachment_uris: a.take("gcp_service_attachment_uris")?,
            };
            stream_processing::create(&stream_connections(a)?, &connection)?
        }

        "encryption_at_rest.list_endpoints" => encryption_endpoints(a)?.list(),
        "encryption_at_rest.get_endpoint" => encryption_endpoints(a)?.get(&a.text("endpoint_id")?)?,
        "encryption_at_rest.delete_endpoint" => encryption_endpoints(a)?.delete(&a.text("endpoint_id")?)?,
        "encryption_at_rest.create_endpoint" => {
            let (endpoints, provider) = (encryption_endpoints(a)?, a.provider(&[Aws, Azure])?);
            encryption_at_rest::create(&endpoints, provider, &a.required_region("region", provider)?)?
        }

        "backup.list_endpoints" => backup_endpoints(a)?.list(),
        "backup.get_endpoint" => backup_endpoints(a)?.get(&a.text("endpoint_id")?)?,
        "backup.delete_endpoint" => backup_endpoints(a)?.delete(&a.text("endpoint_id")?)?,
        "backup.create_endpoint" => {
            let (endpoints, provider) = (backup_endpoints(a)?, a.provider(&[Aws])?);
            let (region, vpc_region) = (a.required_region("region", provider)?, a.region("vpc_region", provider)?);
            backup::create(&endpoints, provider, &region, vpc_region.as_deref())?
        }

        other => return Err(PyLookupError::new_err(format!("there is no operation {other:?}")).into()),
    };
    a.finish()?;
    Ok(operation)
}

/// What can be waited for, by that name.
pub(super) fn watch(a: &Arguments<'_, '_>) -> Result<Watch, Refusal> {
    let watch = match a.operation {
        "wait_for_endpoint" => serverless::watch(a.version(), &a.instance()?, &a.text("endpoint_id")?)?,
        "connection_string" => {
            let serverless = deployment::Deployment::ServerlessInstance;
            let endpoint = a.text("endpoint_id")?;
            deployment::watch(a.version(), &a.text("group_id")?, serverless, &a.text("instance_name")?, &endpoint)?
        }
        "dedicated.wait_for_service" => {
            a.project()?.watch_service(a.provider(&[Aws, Azure, Gcp])?, &a.text("service_id")?)?
        }
        "dedicated.wait_for_endpoint" => {
            let (provider, service) = (a.provider(&[Aws, Azure, Gcp])?, a.text("service_id")?);
            a.project()?.watch_endpoint(provider, &service, &a.text("endpoint_id")?)?
        }
        "dedicated.connection_string" => {
            let cluster = deployment::Deployment::Cluster;
            let endpoint = a.text("endpoint_id")?;
            deployment::watch(a.version(), &a.text("group_id")?, cluster, &a.text("cluster_name")?, &endpoint)?
        }
        "data_federation.wait_for_endpoint" => data_federation_endpoints(a)?.watch(&a.text("endpoint_id")?)?,
        "stream_processing.wait_for_connection" => stream_connections(a)?.watch(&a.text("connection_id")?)?,
        "encryption_at_rest.wait_for_endpoint" => encryption_endpoints(a)?.watch(&a.text("endpoint_id")?)?,
        "backup.wait_for_endpoint" => backup_endpoints(a)?.watch(&a.text("endpoint_id")?)?,
        other => return Err(PyLookupError::new_err(format!("there is no wait {other:?}")).into()),
    };
    a.finish()?;
    Ok(watch)
}

type Endpoints = Result<crate::api::collection::Collection, Refusal>;

fn data_federation_endpoints(a: &Arguments<'_, '_>) -> Endpoints {
    Ok(data_federation::endpoints(a.version(), &a.text("group_id")?, a.options.query)?)
}

fn stream_connections(a: &Arguments<'_, '_>) -> Endpoints {
    Ok(stream_processing::connections(a.version(), &a.text("group_id")?, a.options.query)?)
}

fn encryption_endpoints(a: &Arguments<'_, '_>) -> Endpoints {
    let provider = a.provider(&[Aws, Azure])?;
    Ok(encryption_at_rest::endpoints(a.version(), &a.text("group_id")?, provider, a.options.query)?)
}

fn backup_endpoints(a: &Arguments<'_, '_>) -> Endpoints {
    Ok(backup::endpoints(a.version(), &a.text("group_id")?, a.provider(&[Aws])?, a.options.query)?)
}
