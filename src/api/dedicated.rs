//! Private endpoints of dedicated clusters: endpoint services, and the endpoints on them.

use crate::api::operation::{Create, Effect, IfExists, Marks, Operation, Second, Update, Watch};
use crate::api::region::check_region;
use crate::api::request::{CommonQuery, Expected, Request, segment};
use crate::api::resource::{Field, Model, Stage};
use crate::api::{ApiVersion, CloudProvider, Invalid, validate};
use http::Method;
use serde_json::{Map, Value, json};

/// An endpoint service: what the clouds have in common.
const SERVICE: Model = Model {
    name: "EndpointService",
    noun: "endpoint service",
    id: &["id", "_id"],
    status: &["status"],
    stages: &[
        ("INITIATING", Stage::Pending),
        ("WAITING_FOR_USER", Stage::Reserved),
        ("AVAILABLE", Stage::Available),
        ("FAILED", Stage::Failed),
        ("DELETING", Stage::Deleting),
    ],
    fields: &[],
};

/// An endpoint service on AWS.
pub static AWS_SERVICE: Model = Model {
    name: "AwsEndpointService",
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["regionName"]),
        Field::text(&["errorMessage"]),
        Field::text(&["endpointServiceName"]),
        Field::texts(&["interfaceEndpoints"]),
        Field::texts(&["supportedRemoteRegions"]),
    ],
    ..SERVICE
};

/// An endpoint service on Azure.
pub static AZURE_SERVICE: Model = Model {
    name: "AzureEndpointService",
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["regionName"]),
        Field::text(&["errorMessage"]),
        Field::text(&["privateLinkServiceName"]),
        Field::text(&["privateLinkServiceResourceId"]),
        Field::texts(&["privateEndpoints"]),
    ],
    ..SERVICE
};

/// An endpoint service on Google Cloud.
pub static GCP_SERVICE: Model = Model {
    name: "GcpEndpointService",
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["regionName"]),
        Field::text(&["errorMessage"]),
        Field::texts(&["endpointGroupNames"]),
        Field::texts(&["serviceAttachmentNames"]),
        Field::flag(&["portMappingEnabled"]),
    ],
    ..SERVICE
};

/// An endpoint on AWS.
pub static AWS_ENDPOINT: Model = Model {
    name: "AwsEndpoint",
    noun: "endpoint",
    id: &["interfaceEndpointId"],
    status: &["connectionStatus", "status"],
    stages: &[
        ("NONE", Stage::Pending),
        ("PENDING_ACCEPTANCE", Stage::Connecting),
        ("PENDING", Stage::Connecting),
        ("AVAILABLE", Stage::Available),
        ("REJECTED", Stage::Failed),
        ("FAILED", Stage::Failed),
        ("DELETING", Stage::Deleting),
    ],
    fields: &[Field::text(&["cloudProvider"]), Field::text(&["errorMessage"]), Field::flag(&["deleteRequested"])],
};

/// An endpoint on Azure.
pub static AZURE_ENDPOINT: Model = Model {
    name: "AzureEndpoint",
    noun: "endpoint",
    id: &["privateEndpointResourceId"],
    status: &["status", "connectionStatus"],
    stages: &[
        ("INITIATING", Stage::Connecting),
        ("AVAILABLE", Stage::Available),
        ("FAILED", Stage::Failed),
        ("DELETING", Stage::Deleting),
    ],
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["errorMessage"]),
        Field::flag(&["deleteRequested"]),
        Field::text(&["privateEndpointConnectionName"]),
        Field::text(&["privateEndpointIPAddress", "privateEndpointIpAddress"]),
    ],
};

/// An endpoint group on Google Cloud.
pub static GCP_ENDPOINT: Model = Model {
    name: "GcpEndpointGroup",
    noun: "endpoint",
    id: &["endpointGroupName"],
    status: &["status", "connectionStatus"],
    stages: &[
        ("INITIATING", Stage::Connecting),
        ("VERIFIED", Stage::Connecting),
        ("AVAILABLE", Stage::Available),
        ("FAILED", Stage::Failed),
        ("DELETING", Stage::Deleting),
        ("DELETED", Stage::Deleted),
    ],
    fields: &[
        Field::text(&["cloudProvider"]),
        Field::text(&["errorMessage"]),
        Field::flag(&["deleteRequested"]),
        Field::text(&["gcpProjectId"]),
        Field::objects(&["endpoints"]),
        Field::flag(&["portMappingEnabled"]),
    ],
};

fn service_model(provider: CloudProvider) -> &'static Model {
    match provider {
        CloudProvider::Aws => &AWS_SERVICE,
        CloudProvider::Azure => &AZURE_SERVICE,
        CloudProvider::Gcp => &GCP_SERVICE,
    }
}

fn endpoint_model(provider: CloudProvider) -> &'static Model {
    match provider {
        CloudProvider::Aws => &AWS_ENDPOINT,
        CloudProvider::Azure => &AZURE_ENDPOINT,
        CloudProvider::Gcp => &GCP_ENDPOINT,
    }
}

/// A project, in a version of the API.
#[derive(Debug, Clone)]
pub struct Project {
    group_id: String,
    version: ApiVersion,
    query: CommonQuery,
}

impl Project {
    /// Checks the project's id.
    ///
    /// # Errors
    /// It is not Atlas's.
    pub fn new(version: Option<ApiVersion>, group_id: &str, query: CommonQuery) -> Result<Self, Invalid> {
        validate::object_id("group_id", group_id)?;
        Ok(Self { group_id: group_id.to_owned(), version: version.unwrap_or(ApiVersion::V2), query })
    }

    fn request(&self, operation: &'static str, method: Method, path: &str, expected: Expected) -> Request {
        let path = format!("/groups/{}/privateEndpoint{path}", self.group_id);
        Request::new(operation, method, self.version, &path, self.query, expected)
    }

    fn list(&self, provider: CloudProvider) -> Request {
        let expected = Expected::Many(service_model(provider));
        self.request("dedicated.list_services", Method::GET, &format!("/{provider}/endpointService"), expected)
    }

    /// "Return All Private Endpoint Services for One Provider": `GET /{cloudProvider}/endpointService`.
    pub fn list_services(&self, provider: CloudProvider) -> Operation {
        Operation::Read(self.list(provider))
    }

    fn service(
        &self,
        operation: &'static str,
        method: Method,
        provider: CloudProvider,
        service_id: &str,
        expected: Expected,
    ) -> Result<Request, Invalid> {
        validate::object_id("service_id", service_id)?;
        let path = format!("/{provider}/endpointService/{service_id}");
        Ok(self.request(operation, method, &path, expected).about(service_id))
    }

    /// "Return One Private Endpoint Service for One Provider": `GET /{cloudProvider}/endpointService/{id}`.
    ///
    /// # Errors
    /// A service id that is not Atlas's.
    pub fn get_service(&self, provider: CloudProvider, service_id: &str) -> Result<Operation, Invalid> {
        let expected = Expected::One(service_model(provider));
        self.service("dedicated.get_service", Method::GET, provider, service_id, expected).map(Operation::Read)
    }

    /// "Remove One Private Endpoint Service for One Provider": `DELETE /{cloudProvider}/endpointService/{id}`.
    ///
    /// # Errors
    /// A service id that is not Atlas's.
    pub fn delete_service(&self, provider: CloudProvider, service_id: &str) -> Result<Operation, Invalid> {
        let expected = Expected::Nothing;
        self.service("dedicated.delete_service", Method::DELETE, provider, service_id, expected).map(Operation::Delete)
    }

    /// "Create One Private Endpoint Service for One Provider": `POST /endpointService`.
    ///
    /// # Errors
    /// A value that Atlas would refuse.
    pub fn create_service(&self, service: &NewService, if_exists: IfExists) -> Result<Operation, Invalid> {
        let NewService { provider, region, .. } = service;
        check_region("region", region)?;
        let mut body = Map::new();
        body.insert("providerName".to_owned(), json!(provider.name()));
        body.insert("region".to_owned(), json!(requested_region(*provider, region)));
        if let Some(regions) = &service.supported_remote_regions {
            CloudProvider::Aws.alone_has("supported_remote_regions", true, *provider)?;
            body.insert("supportedRemoteRegions".to_owned(), remote_regions(regions)?);
        }
        let mut marks = vec![("regionName", json!(provider.atlas_region(region)))];
        if let Some(enabled) = service.port_mapping_enabled {
            CloudProvider::Gcp.alone_has("port_mapping_enabled", true, *provider)?;
            body.insert("portMappingEnabled".to_owned(), json!(enabled));
            // one of each kind may exist in a region
            marks.push(("portMappingEnabled", json!(enabled)));
        }
        let expected = Expected::One(service_model(*provider));
        let request = self.request("dedicated.create_service", Method::POST, "/endpointService", expected);
        Ok(Operation::Create(Create {
            request: request.with_body(&Value::Object(body)),
            look: self.list(*provider),
            marks: Marks(marks),
            second: Second::Refused,
            if_exists,
            by_hand: ", or repeat with if_exists=\"adopt\"",
        }))
    }

    /// "Update One Private Endpoint Service": `PATCH /endpointService/{id}`, which AWS alone has.
    ///
    /// # Errors
    /// A value that Atlas would refuse.
    pub fn update_service(&self, service_id: &str, regions: &[String]) -> Result<Operation, Invalid> {
        validate::object_id("service_id", service_id)?;
        let expected = Expected::One(&AWS_SERVICE);
        let path = format!("/endpointService/{service_id}");
        let request = self.request("dedicated.update_service", Method::PATCH, &path, expected).about(service_id);
        let body = json!({"cloudProvider": "AWS", "supportedRemoteRegions": remote_regions(regions)?});
        let listed: Vec<_> = regions.iter().map(|region| CloudProvider::Aws.atlas_region(region)).collect();
        Ok(Operation::Update(Update {
            request: request.with_body(&body),
            look: self.service("dedicated.get_service", Method::GET, CloudProvider::Aws, service_id, expected)?,
            effect: Effect::Marks(Marks(vec![("supportedRemoteRegions", json!(listed))])),
        }))
    }

    /// What shows how a service is doing: the list of its provider.
    ///
    /// # Errors
    /// A service id that is not Atlas's.
    pub fn watch_service(&self, provider: CloudProvider, service_id: &str) -> Result<Watch, Invalid> {
        validate::object_id("service_id", service_id)?;
        let noun = service_model(provider).noun;
        Ok(Watch { look: self.list(provider), id: service_id.to_owned(), noun, exists: true })
    }

    fn endpoint(
        &self,
        operation: &'static str,
        method: Method,
        provider: CloudProvider,
        service_id: &str,
        endpoint_id: &str,
        expected: Expected,
    ) -> Result<Request, Invalid> {
        validate::object_id("service_id", service_id)?;
        check_endpoint_id(provider, endpoint_id)?;
        let path = format!("/{provider}/endpointService/{service_id}/endpoint/{}", segment(endpoint_id));
        Ok(self.request(operation, method, &path, expected).about(endpoint_id))
    }

    /// "Return One Private Endpoint for One Provider": `GET …/endpointService/{id}/endpoint/{endpointId}`.
    ///
    /// # Errors
    /// An id that is none.
    pub fn get_endpoint(
        &self,
        provider: CloudProvider,
        service_id: &str,
        endpoint_id: &str,
    ) -> Result<Operation, Invalid> {
        self.look_at(provider, service_id, endpoint_id).map(Operation::Read)
    }

    fn look_at(&self, provider: CloudProvider, service_id: &str, endpoint_id: &str) -> Result<Request, Invalid> {
        let expected = Expected::One(endpoint_model(provider));
        self.endpoint("dedicated.get_endpoint", Method::GET, provider, service_id, endpoint_id, expected)
    }

    /// "Remove One Private Endpoint for One Provider": `DELETE …/endpointService/{id}/endpoint/{endpointId}`.
    ///
    /// # Errors
    /// An id that is none.
    pub fn delete_endpoint(
        &self,
        provider: CloudProvider,
        service_id: &str,
        endpoint_id: &str,
    ) -> Result<Operation, Invalid> {
        let operation = "dedicated.delete_endpoint";
        self.endpoint(operation, Method::DELETE, provider, service_id, endpoint_id, Expected::Nothing)
            .map(Operation::Delete)
    }

    /// "Create One Private Endpoint for One Provider": `POST …/endpointService/{id}/endpoint`.
    ///
    /// # Errors
    /// A value that Atlas would refuse.
    pub fn create_endpoint(
        &self,
        provider: CloudProvider,
        service_id: &str,
        endpoint: &NewEndpoint,
        if_exists: IfExists,
    ) -> Result<Operation, Invalid> {
        validate::object_id("service_id", service_id)?;
        check_endpoint_id(provider, &endpoint.id)?;
        let body = endpoint.body(provider)?;
        let path = format!("/{provider}/endpointService/{service_id}/endpoint");
        let expected = Expected::One(endpoint_model(provider));
        let request = self.request("dedicated.create_endpoint", Method::POST, &path, expected).about(&endpoint.id);
        Ok(Operation::Create(Create {
            request: request.with_body(&body),
            look: self.look_at(provider, service_id, &endpoint.id)?,
            marks: Marks::default(),
            second: Second::Refused,
            if_exists,
            by_hand: " with its id, or repeat with if_exists=\"adopt\"",
        }))
    }

    /// What shows how an endpoint is doing: itself, since Atlas lists no states of endpoints.
    ///
    /// # Errors
    /// An id that is none.
    pub fn watch_endpoint(
        &self,
        provider: CloudProvider,
        service_id: &str,
        endpoint_id: &str,
    ) -> Result<Watch, Invalid> {
        let look = self.look_at(provider, service_id, endpoint_id)?;
        Ok(Watch { look, id: endpoint_id.to_owned(), noun: "endpoint", exists: true })
    }

    fn regional_mode(&self, operation: &'static str, method: Method) -> Request {
        self.request(operation, method, "/regionalMode", Expected::Flag("enabled"))
    }

    /// "Return Regionalized Private Endpoint Status": `GET /regionalMode`.
    pub fn get_regional_mode(&self) -> Operation {
        Operation::Read(self.regional_mode("dedicated.get_regional_mode", Method::GET))
    }

    /// "Toggle Regionalized Private Endpoint Status": `PATCH /regionalMode`.
    pub fn set_regional_mode(&self, enabled: bool) -> Operation {
        let request = self.regional_mode("dedicated.set_regional_mode", Method::PATCH);
        Operation::Update(Update {
            request: request.with_body(&json!({ "enabled": enabled })),
            look: self.regional_mode("dedicated.get_regional_mode", Method::GET),
            effect: Effect::Flag(enabled),
        })
    }
}

/// An endpoint service to be created.
#[derive(Debug, Clone)]
pub struct NewService {
    /// The cloud.
    pub provider: CloudProvider,
    /// The region, by the cloud's own or Atlas's name.
    pub region: String,
    /// AWS only: other regions whose VPC endpoints the service accepts.
    pub supported_remote_regions: Option<Vec<String>>,
    /// GCP only: one forwarding rule for all nodes.
    pub port_mapping_enabled: Option<bool>,
}

/// An endpoint to be made known to Atlas.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// AWS: the VPC endpoint's id. Azure: the private endpoint's resource id. GCP: the endpoint group's name.
    pub id: String,
    /// Azure only: its address.
    pub private_endpoint_ip_address: Option<String>,
    /// GCP only: the project that it lives in.
    pub gcp_project_id: Option<String>,
    /// GCP only: name and address of each forwarding rule.
    pub endpoints: Option<Vec<(String, String)>>,
}

impl NewEndpoint {
    fn body(&self, provider: CloudProvider) -> Result<Value, Invalid> {
        let needed = |field, what: &str| Invalid::new(field, format!("must be given for {what}"));
        let address = self.private_endpoint_ip_address.as_deref();
        CloudProvider::Azure.alone_has("private_endpoint_ip_address", address.is_some(), provider)?;
        CloudProvider::Gcp.alone_has("gcp_project_id", self.gcp_project_id.is_some(), provider)?;
        CloudProvider::Gcp.alone_has("endpoints", self.endpoints.is_some(), provider)?;
        Ok(match provider {
            CloudProvider::Aws => json!({ "id": self.id }),
            CloudProvider::Azure => {
                let field = "private_endpoint_ip_address";
                let address = address.ok_or_else(|| needed(field, "AZURE"))?;
                validate::ip_address(field, address)?;
                json!({"id": self.id, "privateEndpointIPAddress": address})
            }
            CloudProvider::Gcp => {
                let project = self.gcp_project_id.as_deref().ok_or_else(|| needed("gcp_project_id", "GCP"))?;
                validate::cloud_id("gcp_project_id", project)?;
                let mut rules = Vec::new();
                for (name, address) in self.endpoints.iter().flatten() {
                    validate::cloud_id("endpoints", name)?;
                    validate::ip_address("endpoints", address)?;
                    rules.push(json!({"endpointName": name, "ipAddress": address}));
                }
                json!({"endpointGroupName": self.id, "gcpProjectId": project, "endpoints": rules})
            }
        })
    }
}

fn check_endpoint_id(provider: CloudProvider, id: &str) -> Result<(), Invalid> {
    validate::cloud_id("endpoint_id", id)?;
    let (sound, what) = match provider {
        CloudProvider::Aws => (CloudProvider::of_endpoint(id) == Some(provider), "a VPC endpoint's id (vpce-…)"),
        CloudProvider::Azure => (
            CloudProvider::of_endpoint(id) == Some(provider),
            "the resource id of an Azure private endpoint (/subscriptions/…)",
        ),
        CloudProvider::Gcp => (!id.contains('/'), "the name of an endpoint group"),
    };
    if sound {
        return Ok(());
    }
    Err(Invalid::new("endpoint_id", format!("must be {what}, got {}", validate::quoted(id))))
}

/// Requests name AWS's regions as AWS does, and the others' as Atlas's pages do.
fn requested_region(provider: CloudProvider, region: &str) -> String {
    match provider {
        CloudProvider::Aws => provider.cloud_region(region),
        CloudProvider::Azure | CloudProvider::Gcp => provider.atlas_region(region),
    }
}

fn remote_regions(regions: &[String]) -> Result<Value, Invalid> {
    if regions.len() > 35 {
        let rule = format!("must be at most 35 regions, got {}", regions.len());
        return Err(Invalid::new("supported_remote_regions", rule));
    }
    regions.iter().try_for_each(|region| check_region("supported_remote_regions", region))?;
    Ok(regions.iter().map(|region| json!(requested_region(CloudProvider::Aws, region))).collect())
}
