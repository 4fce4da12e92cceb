// What projects in Go do to test against a Consul server, done against whatever `consul` the PATH has.
package clients

import (
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/consul/sdk/testutil"
)

// start runs a server for one test: the harness writes its configuration and finds it by name.
func start(t *testing.T, change testutil.ServerConfigCallback) (*testutil.TestServer, *api.Client) {
	t.Helper()
	server, err := testutil.NewTestServerConfigT(t, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("it does not end well: %v", err)
		}
	})
	client, err := api.NewClient(&api.Config{Address: server.HTTPAddr})
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// skipUnserved ends a test at an endpoint that this version does not serve, aloud.
func skipUnserved(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "is not an endpoint") {
		t.Skip(err)
	}
}

func TestTheHarnessStartsAServerAndFindsItReady(t *testing.T) {
	server, client := start(t, func(config *testutil.TestServerConfig) {
		config.NodeMeta = map[string]string{"rack": "7"}
		config.Datacenter = "east"
	})
	server.WaitForLeader(t)
	server.WaitForActiveCARoot(t)
	server.WaitForServiceIntentions(t)

	self, err := client.Agent().Self()
	if err != nil {
		t.Fatal(err)
	}
	if name := self["Config"]["NodeName"]; name != server.Config.NodeName {
		t.Errorf("it is called %v, not %v", name, server.Config.NodeName)
	}
	roots, _, err := client.Connect().CARoots(nil)
	if err != nil {
		t.Fatal(err)
	}
	if roots.TrustDomain != "11111111-2222-3333-4444-555555555555.consul" {
		t.Errorf("the harness gives a cluster id, the trust domain is %s", roots.TrustDomain)
	}
}

func TestTheHarnessRegistersServicesAndChecks(t *testing.T) {
	server, client := start(t, nil)
	server.AddAddressableService(t, "redis", "passing", "10.0.0.9", 6379, []string{"primary"})
	server.AddCheck(t, "disk", "redis", "passing")
	healthy, _, err := client.Health().Service("redis", "primary", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(healthy) != 1 || healthy[0].Service.Address != "10.0.0.9" || len(healthy[0].Checks) < 2 {
		t.Errorf("redis is registered with its checks, found %+v", healthy)
	}
}
