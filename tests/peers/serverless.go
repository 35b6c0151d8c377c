package main

import (
	"fmt"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

const instance = "Instance0"

// serverless leads the private endpoints of a serverless instance through their lives.
func (r *run) serverless(group string) {
	api := r.api.ServerlessPrivateEndpointsApi
	first, _, err := api.CreateServerlessPrivateEndpoint(r.ctx, group, instance,
		&admin.ServerlessTenantCreateRequest{Comment: admin.PtrString("first")}).Execute()
	r.check("create a serverless private endpoint", err,
		matches("_id", first.GetId(), objectID),
		equal("comment", first.GetComment(), "first"),
		equal("status", first.GetStatus(), "RESERVATION_REQUESTED"),
		matches("providerName", first.GetProviderName(), `^(AWS|AZURE)$`),
		equal("whether endpointServiceName is there", first.HasEndpointServiceName(), false))
	second, _, err := api.CreateServerlessPrivateEndpoint(r.ctx, group, instance,
		&admin.ServerlessTenantCreateRequest{}).Execute()
	r.check("create a serverless private endpoint without a comment", err,
		matches("_id", second.GetId(), objectID), equal("comment", second.GetComment(), ""))
	_, _, err = api.CreateServerlessPrivateEndpoint(r.ctx, group, "Nobodys",
		&admin.ServerlessTenantCreateRequest{}).Execute()
	r.check("create a private endpoint for an unknown instance", refused(err, 404, "SERVERLESS_INSTANCE_NOT_FOUND"))

	all, _, err := api.ListServerlessPrivateEndpoint(r.ctx, group, instance).Execute()
	var ids []string
	for _, endpoint := range all {
		ids = append(ids, endpoint.GetId())
	}
	r.check("list serverless private endpoints", err, same("the ids", ids, []string{first.GetId(), second.GetId()}))

	get := func(id string) (*admin.ServerlessTenantEndpoint, error) {
		endpoint, _, err := api.GetServerlessPrivateEndpoint(r.ctx, group, instance, id).Execute()
		return endpoint, err
	}
	status := func(id string) func() (string, error) {
		return func() (string, error) {
			endpoint, err := get(id)
			return endpoint.GetStatus(), err
		}
	}
	r.check("a serverless private endpoint is reserved",
		r.becomes(status(first.GetId()), "RESERVATION_REQUESTED", "RESERVED"))
	reserved, err := get(first.GetId())
	pattern := `^com\.amazonaws\.vpce\.us-east-1\.vpce-svc-[0-9a-f]{17}$`
	if reserved.GetProviderName() == "AZURE" {
		pattern = `^pls_[0-9a-f]{24}$`
	}
	r.check("get a serverless private endpoint", err,
		equal("_id", reserved.GetId(), first.GetId()), equal("comment", reserved.GetComment(), "first"),
		matches("endpointServiceName", reserved.GetEndpointServiceName(), pattern))

	r.updateServerless(group, reserved)
	r.check("a serverless private endpoint is connected",
		r.becomes(status(first.GetId()), "INITIATING", "AVAILABLE"))
	r.serverlessInstances(group)

	for _, id := range []string{first.GetId(), second.GetId()} {
		_, err = api.DeleteServerlessPrivateEndpoint(r.ctx, group, instance, id).Execute()
		r.check("delete a serverless private endpoint", err)
		r.check("a serverless private endpoint is gone",
			r.disappears(status(id), "TENANT_PRIVATE_ENDPOINT_NOT_FOUND"))
	}
	all, _, err = api.ListServerlessPrivateEndpoint(r.ctx, group, instance).Execute()
	r.check("list no serverless private endpoints", err, equal("the number", len(all), 0))
}

// updateServerless gives a reserved endpoint another comment, and connects it.
func (r *run) updateServerless(group string, reserved *admin.ServerlessTenantEndpoint) {
	update := func(body admin.ServerlessTenantEndpointUpdate) (*admin.ServerlessTenantEndpoint, error) {
		body.ProviderName = reserved.GetProviderName()
		api, id := r.api.ServerlessPrivateEndpointsApi, reserved.GetId()
		endpoint, _, err := api.UpdateServerlessPrivateEndpoint(r.ctx, group, instance, id, &body).Execute()
		return endpoint, err
	}
	commented, err := update(admin.ServerlessTenantEndpointUpdate{Comment: admin.PtrString("other")})
	r.check("update the comment of a serverless private endpoint", err,
		equal("comment", commented.GetComment(), "other"), equal("status", commented.GetStatus(), "RESERVED"))

	body := admin.ServerlessTenantEndpointUpdate{CloudProviderEndpointId: admin.PtrString(cloudID(reserved))}
	address := ""
	if reserved.GetProviderName() == "AZURE" {
		address = "10.0.0.4"
		body.PrivateEndpointIpAddress = &address
	}
	connecting, err := update(body)
	r.check("update a serverless private endpoint with the cloud's id", err,
		equal("cloudProviderEndpointId", connecting.GetCloudProviderEndpointId(), cloudID(reserved)),
		equal("privateEndpointIpAddress", connecting.GetPrivateEndpointIpAddress(), address),
		equal("comment", connecting.GetComment(), "other"),
		equal("status", connecting.GetStatus(), "INITIATING"))
	_, err = update(body)
	r.check("update a serverless private endpoint twice",
		refused(err, 400, "TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID"))
}

// serverlessInstances checks the instance whose only connected endpoint is the first.
func (r *run) serverlessInstances(group string) {
	api := r.api.ServerlessInstancesApi
	found, err := eventually(r.ctx, func() (*admin.ServerlessInstanceDescription, error) {
		found, _, err := api.GetServerlessInstance(r.ctx, group, instance).Execute()
		return found, err
	}, func(found *admin.ServerlessInstanceDescription) bool {
		return len(found.ConnectionStrings.GetPrivateEndpoint()) > 0
	})
	settings, strings := found.GetProviderSettings(), found.GetConnectionStrings()
	r.check("get a serverless instance", err,
		equal("name", found.GetName(), instance),
		equal("groupId", found.GetGroupId(), group),
		equal("stateName", found.GetStateName(), "IDLE"),
		equal("providerName", settings.GetProviderName(), "SERVERLESS"),
		matches("backingProviderName", settings.GetBackingProviderName(), `^(AWS|AZURE)$`),
		equal("regionName", settings.GetRegionName(), "US_EAST_1"),
		matches("standardSrv", strings.GetStandardSrv(), `^mongodb\+srv://`))
	var names, ids []string
	for _, private := range strings.GetPrivateEndpoint() {
		names = append(names, private.GetSrvConnectionString())
		for _, endpoint := range private.GetEndpoints() {
			ids = append(ids, endpoint.GetEndpointId())
		}
	}
	r.check("a serverless instance has a private connection string", nil,
		matches("srvConnectionString", fmt.Sprint(names), `^\[mongodb\+srv://instance0-pe-0\.\S+\]$`),
		same("endpointId", ids, []string{endpointIDs[settings.GetBackingProviderName()]}))
	_, _, err = api.GetServerlessInstance(r.ctx, group, "Nobodys").Execute()
	r.check("get an unknown serverless instance", refused(err, 404, "SERVERLESS_INSTANCE_NOT_FOUND"))

	page, _, err := api.ListServerlessInstances(r.ctx, group).Execute()
	names = nil
	for _, one := range page.GetResults() {
		names = append(names, one.GetName())
	}
	r.check("list serverless instances", err, equal("totalCount", page.GetTotalCount(), 2),
		same("the names", names, []string{instance, "Instance1"}))
	page, _, err = api.ListServerlessInstances(r.ctx, group).ItemsPerPage(1).PageNum(2).Execute()
	r.check("list serverless instances, second page", err, equal("totalCount", page.GetTotalCount(), 2),
		equal("the number of instances", len(page.GetResults()), 1))
}

func cloudID(endpoint *admin.ServerlessTenantEndpoint) string {
	return endpointIDs[endpoint.GetProviderName()]
}
