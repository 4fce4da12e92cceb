// What go-bexpr says to the filters of `tests/filter/`. The first line on standard input holds the values of each kind;
// each further one is a filter for one kind, and is answered by a line: an error, or whether it selects each value.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// The values as Consul's answers spell them. A name that a filter cannot ask for is left out.

type MeshGateway struct{ Mode string }

type TransparentProxy struct{ OutboundListenerPort int }

type Weights struct{ Passing, Warning int }

type Connect struct{ Native bool }

type ServiceAddress struct {
	Address string
	Port    int
}

type Upstream struct {
	DestinationType, DestinationNamespace, DestinationName, Datacenter string
	LocalBindAddress                                                   string
	LocalBindPort                                                      int
	LocalBindSocketPath, LocalBindSocketMode                           string
	MeshGateway                                                        MeshGateway
}

type Proxy struct {
	DestinationServiceName, DestinationServiceID string
	LocalServiceAddress                          string
	LocalServicePort                             int
	LocalServiceSocketPath, Mode                 string
	TransparentProxy                             TransparentProxy
	MeshGateway                                  MeshGateway
	Upstreams                                    []Upstream
}

type Node struct {
	ID, Node, Address, Datacenter string
	TaggedAddresses, Meta         map[string]string
	PeerName                      string
}

type Service struct {
	Kind, ID, Service string
	Tags              []string
	Address           string
	TaggedAddresses   map[string]ServiceAddress
	Meta              map[string]string
	Port              int
	SocketPath        string
	Weights           Weights
	EnableTagOverride bool
	Proxy             Proxy
	Connect           Connect
	PeerName          string
}

type Check struct {
	Node, CheckID, Name, Status, Notes, Output, ServiceID, ServiceName string
	ServiceTags                                                        []string
	Type, PeerName                                                     string
}

type Instance struct {
	Node    *Node
	Service *Service
	Checks  []*Check
}

type CatalogService struct {
	ID, Node, Address, Datacenter string
	TaggedAddresses, NodeMeta     map[string]string
	ServiceKind, ServiceID        string
	ServiceName                   string
	ServiceTags                   []string
	ServiceAddress                string
	ServiceTaggedAddresses        map[string]ServiceAddress
	ServiceWeights                Weights
	ServiceMeta                   map[string]string
	ServicePort                   int
	ServiceSocketPath             string
	ServiceEnableTagOverride      bool
	ServiceProxy                  Proxy
	ServiceConnect                Connect
	PeerName                      string
}

type Intention struct {
	ID, Description, SourceNS, SourceName, SourcePeer, DestinationNS, DestinationName, SourceType, Action string
	Meta                                                                                                  map[string]string
	Precedence                                                                                            int
}

type Values struct {
	Nodes           []*Node
	Services        []*Service
	Checks          []*Check
	Instances       []*Instance
	CatalogServices []*CatalogService
	Intentions      []*Intention
}

type Question struct{ Kind, Filter string }

type Answer struct {
	Error   string
	Selects []bool
}

func all[T any](filter string, values []T) (answer Answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			answer = Answer{Error: fmt.Sprintf("panic: %v", panicked)}
		}
	}()
	selects, err := evaluator(filter, values[0])
	for _, value := range values {
		if err != nil {
			return Answer{Error: err.Error()}
		}
		var selected bool
		selected, err = selects(value)
		answer.Selects = append(answer.Selects, selected)
	}
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return answer
}

func (values Values) answer(question Question) Answer {
	switch question.Kind {
	case "Nodes":
		return all(question.Filter, values.Nodes)
	case "Services":
		return all(question.Filter, values.Services)
	case "Checks":
		return all(question.Filter, values.Checks)
	case "Instances":
		return all(question.Filter, values.Instances)
	case "CatalogServices":
		return all(question.Filter, values.CatalogServices)
	case "Intentions":
		return all(question.Filter, values.Intentions)
	}
	panic("no such kind: " + question.Kind)
}

func main() {
	lines := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	var values Values
	if err := lines.Decode(&values); err != nil {
		panic(err)
	}
	for lines.More() {
		var question Question
		if err := lines.Decode(&question); err != nil {
			panic(err)
		}
		if err := answers.Encode(values.answer(question)); err != nil {
			panic(err)
		}
	}
}
