package main

import (
	"net/http"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

// dataFederation connects Data Federation from both clouds.
func (r *run) dataFederation(group string) {
	api := r.api.DataFederationApi
	var made []string
	for number, cloud := range []string{"AWS", "AZURE"} {
		id := endpointIDs[cloud]
		made = append(made, id)
		request := admin.PrivateNetworkEndpointIdEntry{EndpointId: id, Comment: admin.PtrString("of " + cloud)}
		if cloud != "AWS" {
			request.Provider = &cloud
		}
		page, _, err := api.CreatePrivateEndpointId(r.ctx, group, &request).Execute()
		var ids []string
		for _, entry := range page.GetResults() {
			ids = append(ids, entry.GetEndpointId())
		}
		r.check("create "+cloud+" Data Federation endpoint", err,
			same("the ids", ids, made), equal("totalCount", page.GetTotalCount(), number+1))
		found, _, err := api.GetPrivateEndpointId(r.ctx, group, id).Execute()
		r.check("get "+cloud+" Data Federation endpoint", err,
			equal("endpointId", found.GetEndpointId(), id), equal("provider", found.GetProvider(), cloud),
			equal("type", found.GetType(), "DATA_LAKE"), equal("comment", found.GetComment(), "of "+cloud),
			equal("status", found.GetStatus(), "OK"))
	}
	page, _, err := api.ListPrivateEndpointIds(r.ctx, group).ItemsPerPage(1).PageNum(2).Execute()
	r.check("list Data Federation endpoints, second page", err,
		equal("totalCount", page.GetTotalCount(), 2), equal("the number of endpoints", len(page.GetResults()), 1))
	for _, id := range made {
		_, err := api.DeletePrivateEndpointId(r.ctx, group, id).Execute()
		r.check("delete a Data Federation endpoint", err)
		r.check("a Data Federation endpoint is gone", r.disappears(func() (string, error) {
			found, _, err := api.GetPrivateEndpointId(r.ctx, group, id).Execute()
			return found.GetStatus(), err
		}, "ENDPOINT_ID_NOT_FOUND"))
	}
	page, _, err = api.ListPrivateEndpointIds(r.ctx, group).Execute()
	r.check("list no Data Federation endpoints", err, equal("the number", len(page.GetResults()), 0))
}

// streamProcessing leads a private link connection through its life.
func (r *run) streamProcessing(group string) {
	api := r.api.StreamsApi
	arn := "arn:aws:kafka:us-east-1:123456789012:cluster/mine/1"
	request := admin.StreamsPrivateLinkConnection{
		Provider: "AWS", Vendor: admin.PtrString("MSK"), Region: admin.PtrString("US_EAST_1"), Arn: &arn}
	made, _, err := api.CreatePrivateLinkConnection(r.ctx, group, &request).Execute()
	id := made.GetId()
	r.check("create a private link connection", err,
		matches("_id", id, objectID), equal("provider", made.GetProvider(), "AWS"),
		equal("vendor", made.GetVendor(), "MSK"), equal("region", made.GetRegion(), "US_EAST_1"),
		equal("arn", made.GetArn(), arn))
	state := func() (string, error) {
		found, _, err := api.GetPrivateLinkConnection(r.ctx, group, id).Execute()
		return found.GetState(), err
	}
	r.check("a private link connection is done", r.becomes(state, "IDLE", "WORKING", "DONE"))
	page, _, err := api.ListPrivateLinkConnections(r.ctx, group).Execute()
	var ids []string
	for _, connection := range page.GetResults() {
		ids = append(ids, connection.GetId())
	}
	r.check("list private link connections", err,
		same("the ids", ids, []string{id}), equal("totalCount", page.GetTotalCount(), 1))

	var updated admin.StreamsPrivateLinkConnection
	path := "/groups/" + group + "/streams/privateLinkConnections/" + id
	body := map[string]any{"dnsDomain": "kafka.example.com"}
	err = r.untyped(http.MethodPatch, path, "2025-03-12", body, &updated)
	r.check("update a private link connection", err,
		equal("_id", updated.GetId(), id), equal("dnsDomain", updated.GetDnsDomain(), "kafka.example.com"))
	found, _, err := api.GetPrivateLinkConnection(r.ctx, group, id).Execute()
	r.check("get a private link connection", err,
		equal("_id", found.GetId(), id), equal("dnsDomain", found.GetDnsDomain(), "kafka.example.com"),
		equal("vendor", found.GetVendor(), "MSK"), equal("state", found.GetState(), "DONE"))

	_, err = api.DeletePrivateLinkConnection(r.ctx, group, id).Execute()
	r.check("delete a private link connection", err)
	r.check("a private link connection is gone", r.disappears(state, "STREAM_PRIVATE_LINK_NOT_FOUND"))
}

// encryptionAtRest leads an endpoint to the customer's own keys through its life, in each cloud.
func (r *run) encryptionAtRest(group string) {
	api := r.api.EncryptionAtRestUsingCustomerKeyManagementApi
	for _, place := range places[:2] {
		name := place.cloud + " endpoint for encryption at rest"
		request := admin.EARPrivateEndpoint{RegionName: admin.PtrString(place.region)}
		made, _, err := api.CreateRestPrivateEndpoint(r.ctx, group, place.cloud, &request).Execute()
		id := made.GetId()
		r.check("create "+name, err,
			matches("id", id, objectID), equal("cloudProvider", made.GetCloudProvider(), place.cloud),
			equal("regionName", made.GetRegionName(), place.region), equal("status", made.GetStatus(), "INITIATING"))
		status := func() (string, error) {
			found, _, err := api.GetRestPrivateEndpoint(r.ctx, group, place.cloud, id).Execute()
			return found.GetStatus(), err
		}
		r.check(name+" becomes active", r.becomes(status, "INITIATING", "PENDING_ACCEPTANCE", "ACTIVE"))
		page, _, err := api.ListRestPrivateEndpoints(r.ctx, group, place.cloud).Execute()
		var ids []string
		for _, endpoint := range page.GetResults() {
			ids = append(ids, endpoint.GetId())
		}
		r.check("list "+name, err, same("the ids", ids, []string{id}), equal("totalCount", page.GetTotalCount(), 1))
		_, err = api.RequestPrivateEndpointDeletion(r.ctx, group, place.cloud, id).Execute()
		r.check("delete "+name, err)
		r.check(name+" is gone", r.disappears(status, "PRIVATE_ENDPOINT_NOT_FOUND"))
	}
}

// backupEndpoint is an endpoint to the object storage of backups; the SDK's version has no type for it.
type backupEndpoint struct {
	ID            string  `json:"id"`
	CloudProvider string  `json:"cloudProvider"`
	RegionName    string  `json:"regionName"`
	Status        string  `json:"status"`
	ErrorMessage  *string `json:"errorMessage"`
}

// backup leads an endpoint to the object storage of backups through its life.
func (r *run) backup(group string) {
	const version = "2024-11-13"
	root := "/groups/" + group + "/backup/AWS/privateEndpoints"
	var made backupEndpoint
	err := r.untyped(http.MethodPost, root, version, map[string]any{"regionName": "US_EAST_1"}, &made)
	r.check("create an endpoint for backups", err,
		matches("id", made.ID, objectID), equal("cloudProvider", made.CloudProvider, "AWS"),
		equal("regionName", made.RegionName, "US_EAST_1"), equal("status", made.Status, "INITIATING"))
	get := func() (backupEndpoint, error) {
		var found backupEndpoint
		err := r.untyped(http.MethodGet, root+"/"+made.ID, version, nil, &found)
		return found, err
	}
	status := func() (string, error) {
		found, err := get()
		return found.Status, err
	}
	r.check("an endpoint for backups becomes active", r.becomes(status, "INITIATING", "PENDING_ACCEPTANCE", "ACTIVE"))
	found, err := get()
	r.check("get an endpoint for backups", err, equal("id", found.ID, made.ID),
		equal("regionName", found.RegionName, "US_EAST_1"),
		equal("whether it failed", found.ErrorMessage != nil, false))
	var page struct {
		Results    []backupEndpoint `json:"results"`
		TotalCount int              `json:"totalCount"`
	}
	err = r.untyped(http.MethodGet, root, version, nil, &page)
	r.check("list endpoints for backups", err, equal("totalCount", page.TotalCount, 1),
		same("the ids", idsOf(page.Results), []string{made.ID}))
	r.check("delete an endpoint for backups", r.untyped(http.MethodDelete, root+"/"+made.ID, version, nil, nil))
	r.check("an endpoint for backups is gone", r.disappears(status, "PRIVATE_ENDPOINT_NOT_FOUND"))
}

func idsOf(endpoints []backupEndpoint) []string {
	var ids []string
	for _, endpoint := range endpoints {
		ids = append(ids, endpoint.ID)
	}
	return ids
}
