// A server of the library go-control-plane alone: linear caches, one per type, behind ADS. It serves resources of the same
// sizes as Chancery's for a sidecar with one TCP upstream, and takes the same triggers as the floor.
//
//	go-control-plane <xds address> <trigger address>
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	cache "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resource "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	server "github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	upstream = "swarm-upstream.default.dc1.internal.247a991f-fa33-4b4d-93cb-511863a0d8fb.consul"
	// a field that no message has: every reader skips it
	filler = 15000
	// the slot of the instance that is always there
	first = -1
)

// filled makes the message as long as asked.
func filled[M proto.Message](message M, bytes int) M {
	missing := bytes - proto.Size(message) - 5
	if missing > 0 {
		raw := protowire.AppendTag(nil, filler, protowire.BytesType)
		message.ProtoReflect().SetUnknown(protowire.AppendBytes(raw, []byte(strings.Repeat("x", missing))))
	}
	return message
}

func localApp(milliseconds int) types.Resource {
	timeout := durationpb.New(time.Duration(milliseconds) * time.Millisecond)
	return filled(&cluster.Cluster{Name: "local_app", ConnectTimeout: timeout}, 70)
}

func upstreamCluster() types.Resource {
	secret := func(name string) *tls.SdsSecretConfig { return &tls.SdsSecretConfig{Name: name} }
	context, err := anypb.New(&tls.UpstreamTlsContext{CommonTlsContext: &tls.CommonTlsContext{
		TlsCertificateSdsSecretConfigs: []*tls.SdsSecretConfig{secret("leaf")},
		ValidationContextType:          &tls.CommonTlsContext_ValidationContextSdsSecretConfig{ValidationContextSdsSecretConfig: secret("roots")},
	}})
	if err != nil {
		log.Fatal(err)
	}
	return filled(&cluster.Cluster{
		Name:                 upstream,
		ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS},
		EdsClusterConfig:     &cluster.Cluster_EdsClusterConfig{},
		TransportSocket:      &core.TransportSocket{Name: "tls", ConfigType: &core.TransportSocket_TypedConfig{TypedConfig: context}},
	}, 480)
}

func assignment(ports map[int]uint32) types.Resource {
	slots := make([]int, 0, len(ports))
	for slot := range ports {
		slots = append(slots, slot)
	}
	sort.Ints(slots)
	locality := &endpoint.LocalityLbEndpoints{}
	for _, slot := range slots {
		address := &core.SocketAddress{
			Address:       fmt.Sprintf("10.200.0.%d", slot+2),
			PortSpecifier: &core.SocketAddress_PortValue{PortValue: ports[slot]},
		}
		locality.LbEndpoints = append(locality.LbEndpoints, &endpoint.LbEndpoint{
			HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
				Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: address}},
			}},
			HealthStatus:        core.HealthStatus_HEALTHY,
			LoadBalancingWeight: wrapperspb.UInt32(1),
		})
	}
	return &endpoint.ClusterLoadAssignment{ClusterName: upstream, Endpoints: []*endpoint.LocalityLbEndpoints{locality}}
}

func linear(typeURL string, resources map[string]types.Resource) *cache.LinearCache {
	return cache.NewLinearCache(typeURL, cache.WithInitialResources(resources))
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go-control-plane <xds address> <trigger address>")
	}
	var lock sync.Mutex
	ports := map[int]uint32{first: 9000}
	clusters := linear(resource.ClusterType, map[string]types.Resource{"local_app": localApp(5000), upstream: upstreamCluster()})
	endpoints := linear(resource.EndpointType, map[string]types.Resource{upstream: assignment(ports)})
	caches := map[string]cache.Cache{
		resource.ClusterType:  clusters,
		resource.EndpointType: endpoints,
		resource.SecretType: linear(resource.SecretType, map[string]types.Resource{
			"leaf": filled(&tls.Secret{Name: "leaf"}, 1250), "roots": filled(&tls.Secret{Name: "roots"}, 650),
		}),
		resource.ListenerType: linear(resource.ListenerType, map[string]types.Resource{
			"public_listener:0.0.0.0:20000": filled(&listener.Listener{Name: "public_listener:0.0.0.0:20000"}, 560),
			"swarm-upstream:127.0.0.1:9191": filled(&listener.Listener{Name: "swarm-upstream:127.0.0.1:9191"}, 180),
		}),
		resource.RouteType: linear(resource.RouteType, map[string]types.Resource{}),
	}
	mux := &cache.MuxCache{
		Classify:      func(request *cache.Request) string { return request.GetTypeUrl() },
		ClassifyDelta: func(request *cache.DeltaRequest) string { return request.GetTypeUrl() },
		Caches:        caches,
	}

	http.HandleFunc("/endpoint", func(answer http.ResponseWriter, request *http.Request) {
		slot, err := strconv.Atoi(request.URL.Query().Get("slot"))
		port, portErr := strconv.ParseUint(request.URL.Query().Get("port"), 10, 16)
		if err != nil || portErr != nil {
			http.Error(answer, "slot and port are numbers", http.StatusBadRequest)
			return
		}
		lock.Lock()
		defer lock.Unlock()
		ports[slot] = uint32(port)
		if err := endpoints.UpdateResource(upstream, assignment(ports)); err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
		}
	})
	http.HandleFunc("/mesh-wide", func(answer http.ResponseWriter, request *http.Request) {
		milliseconds, err := strconv.Atoi(request.URL.Query().Get("milliseconds"))
		if err != nil {
			http.Error(answer, "milliseconds is a number", http.StatusBadRequest)
			return
		}
		if err := clusters.UpdateResource("local_app", localApp(milliseconds)); err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
		}
	})
	go func() { log.Fatal(http.ListenAndServe(os.Args[2], nil)) }()

	socket, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	grpcServer := grpc.NewServer(grpc.MaxConcurrentStreams(100000))
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer, server.NewServer(context.Background(), mux, nil))
	log.Fatal(grpcServer.Serve(socket))
}
