package main

import (
	"fmt"
	"net/http"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

// place is a cloud, the region of the cluster there, another region, and how an endpoint service is called.
type place struct {
	cloud, region, otherRegion, serviceName string
}

var places = []place{
	{"AWS", "US_EAST_1", "EU_WEST_1", `^com\.amazonaws\.vpce\.us-east-1\.vpce-svc-[0-9a-f]{17}$`},
	{"AZURE", "US_EAST_2", "EUROPE_WEST", `^pls_[0-9a-f]{24}$`},
	{"GCP", "CENTRAL_US", "EUROPE_WEST_3", `projects/p-\w+/regions/us-central1/serviceAttachments/`},
}

// endpointIDs are the ids that the clouds have given to the endpoints.
var endpointIDs = map[string]string{
	"AWS": "vpce-0123456789abcdef0",
	"AZURE": "/subscriptions/4e133d35-e734-4380-a565-c0945535da37/resourceGroups/privatelink/providers" +
		"/Microsoft.Network/privateEndpoints/mine",
	"GCP": "mine",
}

// dedicated leads endpoint services and their endpoints through their lives, in each cloud; in Google's in both kinds,
// which stand side by side while people move from one to the other.
func (r *run) dedicated(group string) {
	for _, place := range places {
		service := r.createService(group, place)
		if place.cloud == "AWS" {
			r.updateRegions(group, service)
		}
		endpoint := r.createEndpoint(group, place, service, false)
		r.connected(group, place, endpoint)
		if place.cloud == "GCP" {
			r.portMapped(group, place, service)
		}
		r.deleteEndpoint(group, place, service, endpoint)
		r.deleteService(group, place)
	}
}

// createService returns the id of a service that is available.
func (r *run) createService(group string, place place) string {
	api := r.api.PrivateEndpointServicesApi
	name := place.cloud + " endpoint service"
	request := admin.CloudProviderEndpointServiceRequest{ProviderName: place.cloud, Region: place.region}
	made, _, err := api.CreatePrivateEndpointService(r.ctx, group, &request).Execute()
	id := made.GetId()
	r.check("create "+name, err,
		matches("id", id, objectID),
		equal("cloudProvider", made.GetCloudProvider(), place.cloud),
		equal("regionName", made.GetRegionName(), place.region),
		equal("status", made.GetStatus(), "INITIATING"),
		equal("errorMessage", made.GetErrorMessage(), ""),
		equal("its name", serviceName(made), ""),
		equal("the number of its endpoints", len(endpointsOf(made)), 0))
	_, _, err = api.CreatePrivateEndpointService(r.ctx, group, &request).Execute()
	r.check("create a second "+name+" in its region",
		refused(err, 409, "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION"))
	r.check("list one "+name, r.lists(group, place, id))
	r.available(group, place, id)
	return id
}

// available waits for an endpoint service and checks its name.
func (r *run) available(group string, place place, id string) {
	name := place.cloud + " endpoint service"
	r.check(name+" becomes available", r.becomes(r.serviceStatus(group, place, id), "INITIATING", "AVAILABLE"))
	found, _, err := r.api.PrivateEndpointServicesApi.GetPrivateEndpointService(r.ctx, group, place.cloud, id).Execute()
	r.check("get "+name, err,
		equal("id", found.GetId(), id), equal("regionName", found.GetRegionName(), place.region),
		matches("its name", serviceName(found), place.serviceName))
}

func (r *run) serviceStatus(group string, place place, id string) func() (string, error) {
	return func() (string, error) {
		api := r.api.PrivateEndpointServicesApi
		found, _, err := api.GetPrivateEndpointService(r.ctx, group, place.cloud, id).Execute()
		return found.GetStatus(), err
	}
}

// lists wants a cloud to have these services.
func (r *run) lists(group string, place place, wanted ...string) error {
	all, _, err := r.api.PrivateEndpointServicesApi.ListPrivateEndpointService(r.ctx, group, place.cloud).Execute()
	if err != nil {
		return err
	}
	var ids []string
	for _, service := range all {
		ids = append(ids, service.GetId())
	}
	return same("the ids", ids, wanted)
}

// updateRegions lets a service of AWS be reached from another region.
func (r *run) updateRegions(group, id string) {
	updated, err := r.updateService(group, id, []string{"EU_WEST_1"})
	var regions []string
	if updated.SupportedRemoteRegions != nil {
		regions = *updated.SupportedRemoteRegions
	}
	r.check("update AWS endpoint service", err,
		equal("id", updated.GetId(), id), same("supportedRemoteRegions", regions, []string{"EU_WEST_1"}))
}

// createEndpoint returns the id of an endpoint that is available.
func (r *run) createEndpoint(group string, place place, service string, portMapped bool) string {
	api := r.api.PrivateEndpointServicesApi
	name := place.cloud + " endpoint"
	parent, _, err := api.GetPrivateEndpointService(r.ctx, group, place.cloud, service).Execute()
	r.check("get the service of a new "+name, err, equal("id", parent.GetId(), service))
	request := newEndpoint(place.cloud, parent, portMapped)
	id := endpointIDs[place.cloud]
	if portMapped {
		id, name = (*request.Endpoints)[0].GetEndpointName(), "port-mapped "+name
	}
	made, _, err := api.CreatePrivateEndpoint(r.ctx, group, place.cloud, service, &request).Execute()
	steps := steps[place.cloud]
	r.check("create "+name, err, isEndpoint(made, place.cloud, id), equal("its status", endpointStatus(made), steps[0]))
	_, _, err = api.CreatePrivateEndpoint(r.ctx, group, place.cloud, service, &request).Execute()
	r.check("create "+name+" twice", refused(err, 409, ""))
	r.check(name+" becomes available", r.becomes(r.endpointStatus(group, place, service, id), steps...))
	found, _, err := api.GetPrivateEndpoint(r.ctx, group, place.cloud, id, service).Execute()
	r.check("get "+name, err, isEndpoint(found, place.cloud, id), sameRules(found, request))

	parent, _, err = api.GetPrivateEndpointService(r.ctx, group, place.cloud, service).Execute()
	r.check("the service of "+name+" lists it", err, same("its endpoints", endpointsOf(parent), []string{id}))
	_, err = api.DeletePrivateEndpointService(r.ctx, group, place.cloud, service).Execute()
	r.check("delete the service of "+name, refused(err, 409, ""))
	return id
}

// connected waits for the connection string of the cluster in that cloud.
func (r *run) connected(group string, place place, endpoint string) {
	cluster, err := eventually(r.ctx, func() (*admin.ClusterDescription20240805, error) {
		cluster, _, err := r.api.ClustersApi.GetCluster(r.ctx, group, "On"+place.cloud).Execute()
		return cluster, err
	}, func(cluster *admin.ClusterDescription20240805) bool {
		return len(cluster.ConnectionStrings.GetPrivateEndpoint()) > 0
	})
	name := "a cluster on " + place.cloud + " has a private connection string"
	if err != nil {
		r.check(name, err)
		return
	}
	private := cluster.ConnectionStrings.GetPrivateEndpoint()[0]
	var found []string
	for _, one := range private.GetEndpoints() {
		found = append(found, one.GetProviderName(), one.GetRegion(), one.GetEndpointId())
	}
	r.check(name, nil,
		equal("type", private.GetType(), "MONGOD"),
		matches("connectionString", private.GetConnectionString(), `^mongodb://.*-pl-0-.*replicaSet=`),
		matches("srvConnectionString", private.GetSrvConnectionString(), `^mongodb\+srv://.*-pl-0-`),
		same("its endpoint", found, []string{place.cloud, place.region, endpoint}))
}

// portMapped leads a service of Google's newer kind through its life, beside one of the older kind.
func (r *run) portMapped(group string, place place, older string) {
	made, err := r.createPortMapped(group, place.region)
	id := made.GetId()
	r.check("create port-mapped endpoint service", err, matches("id", id, objectID),
		equal("regionName", made.GetRegionName(), place.region), equal("status", made.GetStatus(), "INITIATING"))
	_, err = r.createPortMapped(group, place.region)
	r.check("create a second port-mapped endpoint service in its region",
		refused(err, 409, "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION"))
	r.check("list both kinds of GCP endpoint service", r.lists(group, place, older, id))
	r.available(group, place, id)

	endpoint := r.createEndpoint(group, place, id, true)
	for _, wanted := range []bool{false, true} {
		service := older
		if wanted {
			service = id
		}
		var found endpointService
		err := r.untyped(http.MethodGet, servicePath(group, "GCP", service), "2023-01-01", nil, &found)
		r.check(fmt.Sprintf("portMappingEnabled of an endpoint service is %t", wanted), err,
			equal("whether it is there", found.PortMappingEnabled != nil, true),
			equal("portMappingEnabled", found.PortMappingEnabled != nil && *found.PortMappingEnabled, wanted),
			equal("whether it has a single service attachment", len(found.GetServiceAttachmentNames()) == 1, wanted))
	}
	var found privateEndpoint
	err = r.untyped(http.MethodGet, servicePath(group, "GCP", id)+"/endpoint/"+endpoint, "2023-01-01", nil, &found)
	r.check("get port-mapped GCP endpoint with the fields that are new", err,
		isEndpoint(&found.PrivateLinkEndpoint, "GCP", endpoint),
		equal("portMappingEnabled", found.PortMappingEnabled != nil && *found.PortMappingEnabled, true),
		equal("gcpProjectId", found.GcpProjectID != nil && *found.GcpProjectID == gcpProject, true))
	r.deleteEndpoint(group, place, id, endpoint, older)
}

// deleteEndpoint deletes a service's last endpoint, and with it the service: others is what is left.
func (r *run) deleteEndpoint(group string, place place, service, endpoint string, others ...string) {
	api := r.api.PrivateEndpointServicesApi
	_, err := api.DeletePrivateEndpoint(r.ctx, group, place.cloud, endpoint, service).Execute()
	r.check("delete "+place.cloud+" endpoint", err)
	r.check(place.cloud+" endpoint is gone", r.disappears(r.endpointStatus(group, place, service, endpoint),
		"PRIVATE_ENDPOINT_NOT_FOUND", "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"))
	r.check(place.cloud+" endpoint service is gone with its last endpoint",
		r.disappears(r.serviceStatus(group, place, service), "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"))
	r.check("list "+place.cloud+" endpoint services that are left", r.lists(group, place, others...))
}

// deleteService deletes a service that never had an endpoint.
func (r *run) deleteService(group string, place place) {
	api := r.api.PrivateEndpointServicesApi
	request := admin.CloudProviderEndpointServiceRequest{ProviderName: place.cloud, Region: place.otherRegion}
	made, _, err := api.CreatePrivateEndpointService(r.ctx, group, &request).Execute()
	r.check("create "+place.cloud+" endpoint service in another region", err,
		equal("regionName", made.GetRegionName(), place.otherRegion))
	_, err = api.DeletePrivateEndpointService(r.ctx, group, place.cloud, made.GetId()).Execute()
	r.check("delete "+place.cloud+" endpoint service", err)
	r.check(place.cloud+" endpoint service is gone",
		r.disappears(r.serviceStatus(group, place, made.GetId()), "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"))
}

func (r *run) endpointStatus(group string, place place, service, id string) func() (string, error) {
	return func() (string, error) {
		api := r.api.PrivateEndpointServicesApi
		found, _, err := api.GetPrivateEndpoint(r.ctx, group, place.cloud, id, service).Execute()
		return endpointStatus(found), err
	}
}

// regionalMode switches it on and off where all clusters are sharded, and finds that it cannot where they are not.
func (r *run) regionalMode(replicaSets, sharded string) {
	api := r.api.PrivateEndpointServicesApi
	get := func(what, group string, enabled bool) {
		found, _, err := api.GetRegionalEndpointMode(r.ctx, group).Execute()
		r.check("get regional mode "+what, err, equal("enabled", found.GetEnabled(), enabled))
	}
	get("at first", sharded, false)
	for _, enabled := range []bool{true, false} {
		body := admin.ProjectSettingItem{Enabled: enabled}
		changed, _, err := api.ToggleRegionalEndpointMode(r.ctx, sharded, &body).Execute()
		r.check(fmt.Sprintf("set regional mode to %t", enabled), err, equal("enabled", changed.GetEnabled(), enabled))
		get(fmt.Sprintf("when it is %t", enabled), sharded, enabled)
	}
	_, _, err := api.ToggleRegionalEndpointMode(r.ctx, replicaSets, &admin.ProjectSettingItem{Enabled: true}).Execute()
	r.check("set regional mode beside replica sets", refused(err, 409, ""))
	get("beside replica sets", replicaSets, false)
}
