// Package discovery runs Prometheus' own discovery of targets in a Consul catalog against the agent at CONSUL_HTTP_ADDR.
package discovery

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/consul"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

// targets waits until the discovery has told of exactly these addresses, and gives their labels.
func targets(t *testing.T, groups <-chan []*targetgroup.Group, wanted ...string) []model.LabelSet {
	t.Helper()
	over := time.After(30 * time.Second)
	for {
		select {
		case told := <-groups:
			var found []model.LabelSet
			var addresses []string
			for _, group := range told {
				for _, target := range group.Targets {
					found = append(found, target.Merge(group.Labels))
					addresses = append(addresses, string(target[model.AddressLabel]))
				}
			}
			slices.Sort(addresses)
			if slices.Equal(addresses, wanted) {
				return found
			}
		case <-over:
			t.Fatalf("the targets never were %v", wanted)
		}
	}
}

func TestTargetsAreFoundInTheCatalogAndFollowIt(t *testing.T) {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	register := func(id string, port int, tags ...string) {
		t.Helper()
		err := client.Agent().ServiceRegister(&api.AgentServiceRegistration{
			ID: id, Name: "web", Port: port, Tags: tags, Meta: map[string]string{"team": "a"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	register("web-1", 8081, "v1")

	config := consul.DefaultSDConfig
	config.Server = os.Getenv("CONSUL_HTTP_ADDR")
	config.Services = []string{"web"}
	config.RefreshInterval = model.Duration(time.Second)
	registry := prometheus.NewRegistry()
	refresh := discovery.NewRefreshMetrics(registry)
	metrics := config.NewDiscovererMetrics(registry, refresh)
	if err := metrics.Register(); err != nil {
		t.Fatal(err)
	}
	watcher, err := consul.NewDiscovery(&config, promslog.NewNopLogger(), metrics)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	groups := make(chan []*targetgroup.Group)
	go watcher.Run(ctx, groups)

	found := targets(t, groups, "127.0.0.1:8081")
	for label, value := range map[model.LabelName]model.LabelValue{
		"__meta_consul_service":               "web",
		"__meta_consul_service_id":            "web-1",
		"__meta_consul_tags":                  ",v1,",
		"__meta_consul_service_metadata_team": "a",
		"__meta_consul_node":                  "n1",
		"__meta_consul_dc":                    "dc1",
		"__meta_consul_health":                "passing",
	} {
		if found[0][label] != value {
			t.Errorf("%s is %q, not %q: %v", label, found[0][label], value, found[0])
		}
	}
	register("web-2", 8082)
	targets(t, groups, "127.0.0.1:8081", "127.0.0.1:8082")
	if err := client.Agent().ServiceDeregister("web-1"); err != nil {
		t.Fatal(err)
	}
	targets(t, groups, "127.0.0.1:8082")
}
