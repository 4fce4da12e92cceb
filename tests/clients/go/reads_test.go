package clients

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func TestTheAgentSaysHowItsInstancesAre(t *testing.T) {
	_, client := start(t, nil)
	agent := client.Agent()
	must(t, agent.ServiceRegister(&api.AgentServiceRegistration{
		ID: "web1", Name: "web", Port: 81, Check: &api.AgentServiceCheck{TTL: "1h", Status: "passing"},
	}))
	status, health, err := agent.AgentHealthServiceByID("web1")
	must(t, err)
	if status != api.HealthPassing || health.Service.ID != "web1" || health.AggregatedStatus != api.HealthPassing {
		t.Errorf("it is passing, found %s %+v", status, health)
	}
	must(t, agent.UpdateTTL("service:web1", "slow", api.HealthWarning))
	status, all, err := agent.AgentHealthServiceByName("web")
	must(t, err)
	if status != api.HealthWarning || len(all) != 1 {
		t.Errorf("it is in warning, found %s %+v", status, all)
	}
	must(t, agent.EnableServiceMaintenance("web1", "leaks"))
	status, _, err = agent.AgentHealthServiceByID("web1")
	must(t, err)
	if status != api.HealthCritical {
		t.Errorf("it is in maintenance, found %s", status)
	}
	checks, err := agent.ChecksWithFilter(`Type == "maintenance"`)
	must(t, err)
	if len(checks) != 1 || checks["_service_maintenance:web1"].Notes != "leaks" {
		t.Errorf("maintenance is a check with its reason, found %+v", checks)
	}
	must(t, agent.DisableServiceMaintenance("web1"))
	must(t, agent.EnableNodeMaintenance(""))
	must(t, agent.DisableNodeMaintenance())
	if status, _, err = agent.AgentHealthServiceByID("nobody"); err != nil || status != api.HealthCritical {
		t.Errorf("nobody is not there, found %s %v", status, err)
	}
}

func TestTheAgentSaysWhatItIs(t *testing.T) {
	server, client := start(t, nil)
	agent := client.Agent()
	members, err := agent.Members(false)
	must(t, err)
	if len(members) != 1 || members[0].Name != server.Config.NodeName || members[0].Status != 1 {
		t.Errorf("it is alive and alone, found %+v", members)
	}
	metrics, err := agent.Metrics()
	must(t, err)
	if len(metrics.Gauges) == 0 || len(metrics.Counters) == 0 || len(metrics.Samples) == 0 {
		t.Errorf("there are metrics of each kind, found %+v", metrics)
	}
	host, err := agent.Host()
	must(t, err)
	if host["Host"] == nil || host["Memory"] == nil {
		t.Errorf("it knows its machine, found %+v", host)
	}
	stop := make(chan struct{})
	lines, err := agent.Monitor("info", stop, nil)
	must(t, err)
	must(t, agent.Reload())
	select {
	case line := <-lines:
		if !strings.Contains(line, "[INFO]") {
			t.Errorf("a line of the log, found %q", line)
		}
	case <-time.After(10 * time.Second):
		t.Error("the log is told as it is written")
	}
	close(stop)
	if err = agent.ForceLeave("gone"); err == nil {
		t.Error("nobody is called so")
	}
}

func TestNodesWithoutAnAgentAreInTheCatalog(t *testing.T) {
	server, client := start(t, nil)
	catalog, health := client.Catalog(), client.Health()
	_, err := catalog.Register(&api.CatalogRegistration{
		Node: "outside", Address: "10.9.0.1", NodeMeta: map[string]string{"external-node": "true"},
		Service: &api.AgentService{ID: "db1", Service: "db", Port: 5432, Tags: []string{"primary"}},
		Checks:  api.HealthChecks{{Node: "outside", CheckID: "up", Name: "up", Status: api.HealthPassing, ServiceID: "db1"}},
	}, nil)
	must(t, err)
	datacenters, err := catalog.Datacenters()
	must(t, err)
	if len(datacenters) != 1 || datacenters[0] != "dc1" {
		t.Errorf("there is one, found %v", datacenters)
	}
	filtered := &api.QueryOptions{Filter: `Meta["external-node"] == true`}
	nodes, _, err := catalog.Nodes(filtered)
	must(t, err)
	if len(nodes) != 1 || nodes[0].Node != "outside" {
		t.Errorf("one is external, found %+v", nodes)
	}
	near, _, err := catalog.Nodes(&api.QueryOptions{Near: "outside"})
	must(t, err)
	if len(near) != 2 || near[0].Node != "outside" || near[1].Node != server.Config.NodeName {
		t.Errorf("what is near comes first, found %+v", near)
	}
	node, _, err := catalog.Node("outside", nil)
	must(t, err)
	if node == nil || node.Services["db1"].Port != 5432 {
		t.Errorf("it has a database, found %+v", node)
	}
	list, _, err := catalog.NodeServiceList("outside", nil)
	must(t, err)
	if len(list.Services) != 1 {
		t.Errorf("and nothing else, found %+v", list)
	}
	if node, _, err = catalog.Node("nowhere", nil); err != nil || node != nil {
		t.Errorf("there is no such node, found %+v %v", node, err)
	}
	_, meta, err := health.Service("db", "", true, &api.QueryOptions{UseCache: true})
	must(t, err)
	if !meta.CacheHit || meta.CacheAge != 0 {
		t.Errorf("it is out of memory, found %+v", meta)
	}
	for what, read := range map[string]func() (api.HealthChecks, *api.QueryMeta, error){
		"of the node":    func() (api.HealthChecks, *api.QueryMeta, error) { return health.Node("outside", nil) },
		"of the service": func() (api.HealthChecks, *api.QueryMeta, error) { return health.Checks("db", nil) },
		"passing": func() (api.HealthChecks, *api.QueryMeta, error) {
			return health.State(api.HealthPassing, &api.QueryOptions{Filter: `ServiceName == "db"`})
		},
	} {
		checks, meta, err := read()
		must(t, err)
		if len(checks) != 1 || checks[0].CheckID != "up" || meta.LastIndex == 0 {
			t.Errorf("the check %s: found %+v", what, checks)
		}
	}
	if _, _, err = health.Service("db", "", false, &api.QueryOptions{Filter: "Prot == 1"}); err == nil || !strings.Contains(err.Error(), "at character 1") {
		t.Errorf("a wrong filter is refused, found %v", err)
	}
	_, err = catalog.Deregister(&api.CatalogDeregistration{Node: "outside"}, nil)
	must(t, err)
	if left, _, err := catalog.Service("db", "", nil); err != nil || len(left) != 0 {
		t.Errorf("all of it is gone, found %+v %v", left, err)
	}
}

func TestWhatThereIsNotSaysWhatToUseInstead(t *testing.T) {
	_, client := start(t, nil)
	if _, _, err := client.Event().Fire(&api.UserEvent{Name: "deploy"}, nil); err == nil || !strings.Contains(err.Error(), "501") {
		t.Errorf("there are no events, found %v", err)
	}
	if _, _, err := client.Session().Create(nil, nil); err == nil || !strings.Contains(err.Error(), "TTL check") {
		t.Errorf("there are no sessions, found %v", err)
	}
	coordinates, _, err := client.Coordinate().Nodes(nil)
	must(t, err)
	if len(coordinates) != 0 {
		t.Errorf("nobody measures distances, found %+v", coordinates)
	}
}
