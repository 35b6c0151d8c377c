package main

import (
	"errors"
	"fmt"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

const (
	azureAddress = "10.0.0.4"
	gcpProject   = "a-project-of-mine"
)

// steps are the statuses that an endpoint has before it is available, and that one.
var steps = map[string][]string{
	"AWS":   {"PENDING_ACCEPTANCE", "PENDING", "AVAILABLE"},
	"AZURE": {"INITIATING", "AVAILABLE"},
	"GCP":   {"INITIATING", "VERIFIED", "AVAILABLE"},
}

// newEndpoint is the request for an endpoint of a service; in Google's cloud with a rule for each service attachment.
func newEndpoint(cloud string, service *admin.EndpointService, portMapped bool) admin.CreateEndpointRequest {
	id := endpointIDs[cloud]
	switch cloud {
	case "AZURE":
		return admin.CreateEndpointRequest{Id: &id, PrivateEndpointIPAddress: admin.PtrString(azureAddress)}
	case "GCP":
		kind := "legacy"
		if portMapped {
			kind = "mapped"
		}
		var rules []admin.CreateGCPForwardingRuleRequest
		for number := range max(1, len(service.GetServiceAttachmentNames())) {
			rules = append(rules, admin.CreateGCPForwardingRuleRequest{
				EndpointName: admin.PtrString(fmt.Sprintf("%s-%d", kind, number)),
				IpAddress:    admin.PtrString(fmt.Sprintf("10.0.1.%d", number+1)),
			})
		}
		return admin.CreateEndpointRequest{
			EndpointGroupName: &id, GcpProjectId: admin.PtrString(gcpProject), Endpoints: &rules}
	default:
		return admin.CreateEndpointRequest{Id: &id}
	}
}

func endpointStatus(endpoint *admin.PrivateLinkEndpoint) string {
	if endpoint.GetCloudProvider() == "AWS" {
		return endpoint.GetConnectionStatus()
	}
	return endpoint.GetStatus()
}

// isEndpoint wants an endpoint that is not being deleted to have this id, and what its cloud's endpoints have.
func isEndpoint(endpoint *admin.PrivateLinkEndpoint, cloud, id string) error {
	var found, address string
	switch cloud {
	case "AWS":
		found = endpoint.GetInterfaceEndpointId()
	case "AZURE":
		found, address = endpoint.GetPrivateEndpointResourceId(), azureAddress
	case "GCP":
		found = endpoint.GetEndpointGroupName()
	}
	return errors.Join(
		equal("cloudProvider", endpoint.GetCloudProvider(), cloud),
		equal("its id", found, id),
		equal("privateEndpointIPAddress", endpoint.GetPrivateEndpointIPAddress(), address),
		equal("whether deleteRequested is there", endpoint.HasDeleteRequested(), true),
		equal("deleteRequested", endpoint.GetDeleteRequested(), false),
		equal("errorMessage", endpoint.GetErrorMessage(), ""))
}

// sameRules wants an available endpoint in Google's cloud to have the rules that were asked for, each one available.
func sameRules(endpoint *admin.PrivateLinkEndpoint, request admin.CreateEndpointRequest) error {
	var found, wanted []string
	for _, rule := range endpoint.GetEndpoints() {
		found = append(found, rule.GetEndpointName(), rule.GetIpAddress(), rule.GetStatus())
	}
	for _, rule := range request.GetEndpoints() {
		wanted = append(wanted, rule.GetEndpointName(), rule.GetIpAddress(), "AVAILABLE")
	}
	return same("endpoints", found, wanted)
}

func endpointsOf(service *admin.EndpointService) []string {
	switch service.GetCloudProvider() {
	case "AZURE":
		return service.GetPrivateEndpoints()
	case "GCP":
		return service.GetEndpointGroupNames()
	default:
		return service.GetInterfaceEndpoints()
	}
}

// serviceName is what an endpoint in the cloud is to be connected to; empty before there is one.
func serviceName(service *admin.EndpointService) string {
	switch service.GetCloudProvider() {
	case "AZURE":
		return service.GetPrivateLinkServiceName()
	case "GCP":
		for _, name := range service.GetServiceAttachmentNames() {
			return name
		}
		return ""
	default:
		return service.GetEndpointServiceName()
	}
}
