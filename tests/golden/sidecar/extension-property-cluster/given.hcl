// Fields of clusters: of the application and of one upstream.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect {
      sidecar_service {
        proxy {
          upstreams { destination_name = "db" local_bind_port = 9191 }
          upstreams { destination_name = "shop" local_bind_port = 9192 }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "db"
    port = 7001
    connect { sidecar_service {} }
  }
  service {
    name = "shop"
    port = 7002
    connect { sidecar_service {} }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      envoy_extensions = [
        {
          name = "builtin/property-override"
          arguments = { proxy_type = "connect-proxy", patches = [
              { resource_filter { resource_type = "cluster", traffic_direction = "inbound" }, op = "add", path = "/connect_timeout", value = "3s" },
              { resource_filter { resource_type = "cluster", traffic_direction = "outbound", services = [{ name = "db" }] }, op = "add", path = "/outlier_detection/consecutive_5xx", value = 7 },
              { resource_filter { resource_type = "cluster", traffic_direction = "outbound", services = [{ name = "db" }] }, op = "add", path = "/upstream_connection_options/tcp_keepalive/keepalive_probes", value = 3 },
            ] }
        },
      ]
    },
  ]
}
