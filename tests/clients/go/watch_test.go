package clients

import (
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/consul/api/watch"
)

// heard runs a watch of Consul's own package, and gives what it tells.
func heard(t *testing.T, client *api.Client, parameters map[string]any) <-chan any {
	t.Helper()
	plan, err := watch.Parse(parameters)
	must(t, err)
	told := make(chan any, 16)
	plan.HybridHandler = func(_ watch.BlockingParamVal, news any) { told <- news }
	go func() { _ = plan.RunWithClientAndHclog(client, nil) }()
	t.Cleanup(plan.Stop)
	return told
}

// eventually waits for news of which `wanted` is true.
func eventually(t *testing.T, told <-chan any, what string, wanted func(any) bool) {
	t.Helper()
	over := time.After(15 * time.Second)
	for {
		select {
		case news := <-told:
			if wanted(news) {
				return
			}
		case <-over:
			t.Fatalf("nobody told that %s", what)
		}
	}
}

func TestConsulsWatchesHearOfEveryChange(t *testing.T) {
	_, client := start(t, nil)
	services := heard(t, client, map[string]any{"type": "services"})
	web := heard(t, client, map[string]any{"type": "service", "service": "web", "passingonly": true})
	roots := heard(t, client, map[string]any{"type": "connect_roots"})
	eventually(t, roots, "there is a root", func(news any) bool { return len(news.(*api.CARootList).Roots) == 1 })

	must(t, client.Agent().ServiceRegister(&api.AgentServiceRegistration{
		Name: "web", Port: 8080, Check: &api.AgentServiceCheck{TTL: "1m", Status: api.HealthPassing},
		Connect: &api.AgentServiceConnect{Native: true},
	}))
	eventually(t, services, "web is there", func(news any) bool { return news.(map[string][]string)["web"] != nil })
	eventually(t, web, "an instance is healthy", func(news any) bool { return len(news.([]*api.ServiceEntry)) == 1 })
	leaf := heard(t, client, map[string]any{"type": "connect_leaf", "service": "web"})
	eventually(t, leaf, "web has a certificate", func(news any) bool { return news.(*api.LeafCert).Service == "web" })
	instance := heard(t, client, map[string]any{"type": "agent_service", "service_id": "web"})
	eventually(t, instance, "the instance is as registered", func(news any) bool { return news.(*api.AgentService).Port == 8080 })

	must(t, client.Agent().UpdateTTL("service:web", "", api.HealthCritical))
	eventually(t, web, "no instance is healthy", func(news any) bool { return len(news.([]*api.ServiceEntry)) == 0 })
	must(t, client.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "web", Port: 9090}))
	eventually(t, instance, "the instance has another port", func(news any) bool { return news.(*api.AgentService).Port == 9090 })
}
