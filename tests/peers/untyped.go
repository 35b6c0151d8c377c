package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

// untyped makes a call that this version of the SDK has no function for, with the means that the SDK has for that. The
// answer is read into into, unless that is nil.
func (r *run) untyped(method, path, version string, body, into any) error {
	base, err := r.api.GetConfig().ServerURLWithContext(r.ctx, "")
	if err != nil {
		return err
	}
	mediaType := "application/vnd.atlas." + version + "+json"
	headers := map[string]string{"Accept": mediaType}
	if body != nil {
		headers["Content-Type"] = mediaType
	}
	target := base + "/api/atlas/v2" + path
	sdk := &r.api.UntypedClient
	request, err := sdk.PrepareRequest(r.ctx, target, method, body, headers, url.Values{}, url.Values{}, nil)
	if err != nil {
		return err
	}
	answer, err := sdk.CallAPI(request)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return sdk.MakeApiError(answer, method, target)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w in %q", err, text)
	}
	return nil
}

// endpointService is an endpoint service with the fields that the SDK's type has not.
type endpointService struct {
	admin.EndpointService
	PortMappingEnabled     *bool     `json:"portMappingEnabled"`
	SupportedRemoteRegions *[]string `json:"supportedRemoteRegions"`
}

// privateEndpoint is an endpoint of a dedicated cluster with the fields that the SDK's type has not.
type privateEndpoint struct {
	admin.PrivateLinkEndpoint
	PortMappingEnabled *bool   `json:"portMappingEnabled"`
	GcpProjectID       *string `json:"gcpProjectId"`
}

func servicePath(group, cloud, service string) string {
	return fmt.Sprintf("/groups/%s/privateEndpoint/%s/endpointService/%s", group, cloud, service)
}

// createPortMapped creates an endpoint service of Google's newer kind.
func (r *run) createPortMapped(group, region string) (*admin.EndpointService, error) {
	var made endpointService
	body := map[string]any{"providerName": "GCP", "region": region, "portMappingEnabled": true}
	err := r.untyped(http.MethodPost, "/groups/"+group+"/privateEndpoint/endpointService", "2023-01-01", body, &made)
	return &made.EndpointService, err
}

// updateService sets the other regions from which an endpoint service of AWS can be reached.
func (r *run) updateService(group, service string, regions []string) (endpointService, error) {
	var updated endpointService
	body := map[string]any{"cloudProvider": "AWS", "supportedRemoteRegions": regions}
	path := "/groups/" + group + "/privateEndpoint/endpointService/" + service
	return updated, r.untyped(http.MethodPatch, path, "2023-01-01", body, &updated)
}
