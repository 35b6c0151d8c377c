package main

import (
	"errors"
	"fmt"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
	"go.mongodb.org/atlas-sdk/v20250312008/auth/clientcredentials"
)

// credentials checks that wrong ones are refused, and that a token can be revoked.
func (r *run) credentials(right account) {
	wrong := right
	wrong.secret = "wrong" + right.secret
	api, err := wrong.client(r.ctx)
	if err == nil {
		_, _, err = api.ProjectsApi.ListGroups(r.ctx).Execute()
	}
	if !right.serviceAccount {
		r.check("wrong API key", refused(err, 401, ""))
		return
	}
	r.check("wrong secret of the service account", matches("the error", fmt.Sprint(err), `invalid_client`))

	config := clientcredentials.NewConfig(right.id, right.secret)
	config.TokenURL = right.baseURL + clientcredentials.TokenAPIPath
	config.RevokeURL = right.baseURL + clientcredentials.RevokeAPIPath
	token, err := config.Token(r.ctx)
	if err == nil {
		err = config.RevokeToken(r.ctx, token)
	}
	r.check("revoke an access token", err)
}

// projects returns the ids of the two projects: the one that has replica sets, and the one that has a sharded cluster.
func (r *run) projects() (replicaSets, sharded string) {
	page, _, err := r.api.ProjectsApi.ListGroups(r.ctx).Execute()
	ids := map[string]string{}
	for _, project := range page.GetResults() {
		ids[project.GetName()] = project.GetId()
	}
	r.check("list projects", err, equal("totalCount", page.GetTotalCount(), 2),
		matches("the id of one", ids["Replica sets"], objectID),
		matches("the id of the other", ids["Sharded"], objectID))

	page, _, err = r.api.ProjectsApi.ListGroups(r.ctx).ItemsPerPage(1).PageNum(2).Execute()
	r.check("list projects, second page", err,
		equal("the number of projects", len(page.GetResults()), 1), equal("totalCount", page.GetTotalCount(), 2))

	for _, name := range []string{"Replica sets", "Sharded"} {
		project, _, err := r.api.ProjectsApi.GetGroupByName(r.ctx, name).Execute()
		r.check("get project "+name+" by name", err, equal("name", project.GetName(), name),
			equal("id", project.GetId(), ids[name]), matches("orgId", project.GetOrgId(), objectID))
		// the specification requires them
		r.check("project "+name+" has all fields", err,
			equal("whether created is missing", project.GetCreated().IsZero(), false),
			equal("whether clusterCount is positive", project.GetClusterCount() > 0, true))
	}
	_, _, err = r.api.ProjectsApi.GetGroupByName(r.ctx, "Nobody's").Execute()
	r.check("get an unknown project by name", refused(err, 404, ""))
	return ids["Replica sets"], ids["Sharded"]
}

// clusters checks the clusters of a project: one in each cloud, a free one and a Flex cluster.
func (r *run) clusters(group string) {
	api := r.api.ClustersApi
	page, _, err := api.ListClusters(r.ctx, group).Execute()
	var names []string
	for _, cluster := range page.GetResults() {
		names = append(names, cluster.GetName())
	}
	r.check("list clusters", err, equal("totalCount", page.GetTotalCount(), 4),
		same("the names", names, []string{"OnAWS", "OnAZURE", "OnGCP", "Free"}))

	page, _, err = api.ListClusters(r.ctx, group).ItemsPerPage(3).PageNum(2).Execute()
	r.check("list clusters, second page", err, equal("totalCount", page.GetTotalCount(), 4),
		equal("the number of clusters", len(page.GetResults()), 1))
	page, _, err = api.ListClusters(r.ctx, group).IncludeCount(false).Execute()
	r.check("list clusters without their count", err, equal("whether totalCount is there", page.HasTotalCount(), false))

	for _, place := range places {
		cluster, _, err := api.GetCluster(r.ctx, group, "On"+place.cloud).Execute()
		config, incomplete := onlyRegion(cluster)
		specs := config.GetElectableSpecs()
		r.check("get cluster On"+place.cloud, err, incomplete,
			equal("name", cluster.GetName(), "On"+place.cloud),
			equal("groupId", cluster.GetGroupId(), group),
			equal("clusterType", cluster.GetClusterType(), "REPLICASET"),
			equal("stateName", cluster.GetStateName(), "IDLE"),
			equal("paused", cluster.GetPaused(), false),
			matches("mongoDBVersion", cluster.GetMongoDBVersion(), `^\d+\.\d+\.\d+$`),
			equal("providerName", config.GetProviderName(), place.cloud),
			equal("regionName", config.GetRegionName(), place.region),
			equal("priority", config.GetPriority(), 7),
			equal("instanceSize", specs.GetInstanceSize(), "M30"),
			equal("nodeCount", specs.GetNodeCount(), 3))
	}

	free, _, err := api.GetCluster(r.ctx, group, "Free").Execute()
	config, incomplete := onlyRegion(free)
	specs := config.GetElectableSpecs()
	r.check("get a free cluster", err, incomplete,
		equal("providerName", config.GetProviderName(), "TENANT"),
		equal("backingProviderName", config.GetBackingProviderName(), "AWS"),
		equal("instanceSize", specs.GetInstanceSize(), "M0"))
	_, _, err = api.GetCluster(r.ctx, group, "Flex").Execute()
	r.check("get a Flex cluster", refused(err, 400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"))
	_, _, err = api.GetCluster(r.ctx, group, "Nobodys").Execute()
	r.check("get an unknown cluster", refused(err, 404, "CLUSTER_NOT_FOUND"))
}

// onlyRegion returns the region of a cluster that has a single one, and what is wrong with a cluster that has not.
func onlyRegion(cluster *admin.ClusterDescription20240805) (admin.CloudRegionConfig20240805, error) {
	strings := cluster.GetConnectionStrings()
	incomplete := errors.Join(
		matches("id", cluster.GetId(), objectID),
		matches("standardSrv", strings.GetStandardSrv(), `^mongodb\+srv://`))
	for _, spec := range cluster.GetReplicationSpecs() {
		for _, config := range spec.GetRegionConfigs() {
			return config, incomplete
		}
	}
	return admin.CloudRegionConfig20240805{}, errors.Join(incomplete, errors.New("it has no region"))
}
