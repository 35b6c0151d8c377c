// Command peers calls every operation of a local Atlas with MongoDB's own Go SDK, and checks what comes back.
//
// The local Atlas has to hold the projects and clusters that tests/test_peers.py describes. Its address is read from
// MONGODB_ATLAS_BASE_URL, and the credentials from MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY, or
// from MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET. It prints one line for each check. The exit code is 1
// if any check failed, and 2 if the environment is incomplete.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

// A run that hangs is a failure; it is no bound on speed.
const patience = 2 * time.Minute

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := accountFromEnvironment()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	}
	api, err := account.client(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	}
	r := &run{ctx: ctx, api: api}
	r.credentials(account)
	replicaSets, sharded := r.projects()
	r.clusters(replicaSets)
	r.serverless(replicaSets)
	r.dedicated(replicaSets)
	r.regionalMode(replicaSets, sharded)
	r.dataFederation(replicaSets)
	r.streamProcessing(replicaSets)
	r.encryptionAtRest(replicaSets)
	r.backup(replicaSets)
	fmt.Printf("%d passed, %d failed\n", r.passed, r.failed)
	if r.failed > 0 {
		os.Exit(1)
	}
}

// account is an API key or a service account of the Atlas at baseURL.
type account struct {
	baseURL        string
	id, secret     string
	serviceAccount bool
}

func accountFromEnvironment() (account, error) {
	key := account{
		baseURL: os.Getenv("MONGODB_ATLAS_BASE_URL"),
		id:      os.Getenv("MONGODB_ATLAS_PUBLIC_API_KEY"),
		secret:  os.Getenv("MONGODB_ATLAS_PRIVATE_API_KEY"),
	}
	service := account{
		baseURL:        key.baseURL,
		id:             os.Getenv("MONGODB_ATLAS_CLIENT_ID"),
		secret:         os.Getenv("MONGODB_ATLAS_CLIENT_SECRET"),
		serviceAccount: true,
	}
	switch {
	case key.baseURL == "":
		// the SDK would call MongoDB's own Atlas
		return account{}, errors.New("MONGODB_ATLAS_BASE_URL is not set")
	case (key.id != "") == (service.id != ""):
		return account{}, errors.New("set either MONGODB_ATLAS_PUBLIC_API_KEY or MONGODB_ATLAS_CLIENT_ID")
	case key.id != "":
		return key, nil
	default:
		return service, nil
	}
}

// client returns a client that authenticates with the account.
func (a account) client(ctx context.Context) (*admin.APIClient, error) {
	if a.serviceAccount {
		return admin.NewClient(admin.UseBaseURL(a.baseURL), admin.UseOAuthAuth(ctx, a.id, a.secret))
	}
	return admin.NewClient(admin.UseBaseURL(a.baseURL), admin.UseDigestAuth(a.id, a.secret))
}
