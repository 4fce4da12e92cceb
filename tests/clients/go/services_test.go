package clients

import (
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func TestAServiceIsRegisteredSeenAndGone(t *testing.T) {
	_, client := start(t, nil)
	agent := client.Agent()
	must(t, agent.ServiceRegister(&api.AgentServiceRegistration{
		ID: "web-1", Name: "web", Port: 8080, Tags: []string{"v1", "primary"}, Meta: map[string]string{"team": "a"},
		Weights: &api.AgentWeights{Passing: 10, Warning: 1},
		Connect: &api.AgentServiceConnect{SidecarService: &api.AgentServiceRegistration{
			Proxy: &api.AgentServiceConnectProxyConfig{
				Upstreams: []api.Upstream{{DestinationName: "db", LocalBindPort: 9191}},
			},
		}},
	}))
	services, err := agent.Services()
	must(t, err)
	if web := services["web-1"]; web == nil || web.Meta["team"] != "a" || web.Weights.Passing != 10 || len(services) != 2 {
		t.Errorf("web and its sidecar are there, found %+v", services)
	}
	sidecar, _, err := agent.Service("web-1-sidecar-proxy", nil)
	must(t, err)
	if sidecar.Kind != api.ServiceKindConnectProxy || sidecar.Proxy.Upstreams[0].DestinationName != "db" {
		t.Errorf("the sidecar knows its upstreams, found %+v", sidecar)
	}
	if sidecar.Port < 21000 || sidecar.Proxy.DestinationServiceID != "web-1" {
		t.Errorf("the sidecar has a port and its service, found %+v", sidecar)
	}

	names, meta, err := client.Catalog().Services(nil)
	must(t, err)
	if len(names["web"]) != 2 || meta.LastIndex == 0 || !meta.KnownLeader {
		t.Errorf("the catalog has its tags and an index, found %v %+v", names, meta)
	}
	instances, _, err := client.Catalog().Service("web", "primary", nil)
	must(t, err)
	if len(instances) != 1 || instances[0].ServicePort != 8080 || instances[0].ServiceTags[0] != "v1" {
		t.Errorf("the catalog has the instance, found %+v", instances)
	}
	proxies, _, err := client.Health().Connect("web", "", false, nil)
	must(t, err)
	if len(proxies) != 1 || proxies[0].Service.ID != "web-1-sidecar-proxy" {
		t.Errorf("the sidecar stands for web, found %+v", proxies)
	}

	must(t, agent.ServiceDeregister("web-1"))
	services, err = agent.Services()
	must(t, err)
	if len(services) != 0 {
		t.Errorf("the sidecar goes with its service, found %+v", services)
	}
	if err := agent.ServiceDeregister("web-1"); err == nil {
		t.Error("what is not there cannot go")
	}
}

func TestAServiceThatIsElsewhereIsRegisteredInTheCatalog(t *testing.T) {
	_, client := start(t, nil)
	catalog := client.Catalog()
	_, err := catalog.Register(&api.CatalogRegistration{
		Node: "legacy", Address: "10.0.0.7", NodeMeta: map[string]string{"external": "true"},
		Service: &api.AgentService{ID: "mail-1", Service: "mail", Port: 25},
		Check:   &api.AgentCheck{CheckID: "port", Name: "its port", Status: api.HealthPassing, ServiceID: "mail-1"},
	}, nil)
	skipUnserved(t, err)
	must(t, err)
	healthy, _, err := client.Health().Service("mail", "", true, nil)
	must(t, err)
	if len(healthy) != 1 || healthy[0].Node.Address != "10.0.0.7" || healthy[0].Node.Meta["external"] != "true" {
		t.Errorf("mail runs on a node of its own, found %+v", healthy)
	}
	node, _, err := catalog.Node("legacy", nil)
	skipUnserved(t, err)
	must(t, err)
	if node == nil || node.Services["mail-1"] == nil {
		t.Errorf("the node has its service, found %+v", node)
	}
	_, err = catalog.Deregister(&api.CatalogDeregistration{Node: "legacy"}, nil)
	must(t, err)
	nodes, _, err := catalog.Nodes(nil)
	must(t, err)
	if len(nodes) != 1 {
		t.Errorf("the agent's own node is left, found %+v", nodes)
	}
}

func TestACheckByTimeDecidesWhoIsHealthy(t *testing.T) {
	_, client := start(t, nil)
	agent, health := client.Agent(), client.Health()
	must(t, agent.ServiceRegister(&api.AgentServiceRegistration{
		Name: "web", Port: 8080, Check: &api.AgentServiceCheck{TTL: "30s", Notes: "it tells us itself"},
	}))
	passing := func() int {
		found, _, err := health.Service("web", "", true, nil)
		must(t, err)
		return len(found)
	}
	if passing() != 0 {
		t.Error("a check by time begins critical")
	}
	must(t, agent.UpdateTTL("service:web", "all is well", api.HealthPassing))
	if passing() != 1 {
		t.Error("it passes when it is told so")
	}
	checks, err := agent.Checks()
	must(t, err)
	if check := checks["service:web"]; check == nil || check.Output != "all is well" || check.Type != "ttl" {
		t.Errorf("the check has its output, found %+v", check)
	}
	must(t, agent.UpdateTTL("service:web", "so so", api.HealthWarning))
	all, _, err := health.Service("web", "", false, nil)
	must(t, err)
	if len(all) != 1 || all[0].Checks.AggregatedStatus() != api.HealthWarning {
		t.Errorf("a warning is no reason to hide it, found %+v", all)
	}
	if err := agent.UpdateTTL("nobody", "", api.HealthPassing); err == nil {
		t.Error("a check that is not there cannot be told")
	}
	must(t, agent.CheckRegister(&api.AgentCheckRegistration{
		ID: "disk", Name: "disk", AgentServiceCheck: api.AgentServiceCheck{TTL: "1m", Status: api.HealthPassing},
	}))
	must(t, agent.CheckDeregister("disk"))
}

func TestAReadBlocksUntilThereIsNews(t *testing.T) {
	_, client := start(t, nil)
	health := client.Health()
	_, meta, err := health.Service("web", "", false, nil)
	must(t, err)
	type news struct {
		count int
		index uint64
	}
	heard := make(chan news, 1)
	go func() {
		found, meta, err := health.Service("web", "", false, &api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: time.Minute})
		if err == nil {
			heard <- news{len(found), meta.LastIndex}
		}
	}()
	must(t, client.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "other", Port: 1}))
	must(t, client.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "web", Port: 8080}))
	select {
	case told := <-heard:
		if told.count != 1 || told.index <= meta.LastIndex {
			t.Errorf("the news are of web, found %+v after %d", told, meta.LastIndex)
		}
	case <-time.After(10 * time.Second):
		t.Error("there was no news")
	}
	began := time.Now()
	_, meta, err = health.Service("web", "", false, nil)
	must(t, err)
	_, _, err = health.Service("web", "", false, &api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: 200 * time.Millisecond})
	must(t, err)
	if took := time.Since(began); took < 200*time.Millisecond || took > 5*time.Second {
		t.Errorf("without news it answers when the time is over, it took %v", took)
	}
}
