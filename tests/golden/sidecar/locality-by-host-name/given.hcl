// Instances that Envoy resolves by name have their place inside of the cluster.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  locality { region = "r1", zone = "a" }
  service {
    name = "web"
    port = 8080
    connect { sidecar_service = {
      port = 21000
      proxy = {
        upstreams = [
          { destination_name = "api", local_bind_port = 5000 },
        ]
      }
    } }
  }
}

node {
  name    = "n2"
  address = "api.example"
  locality { region = "r2", zone = "a" }
  service {
    name = "api"
    id   = "api-2"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n3"
  address = "10.0.0.3"
  locality { region = "r1", zone = "a" }
  service {
    name = "api"
    id   = "api-3"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-resolver", name = "api", prioritize_by_locality = { mode = "failover" } },
  ]
}
