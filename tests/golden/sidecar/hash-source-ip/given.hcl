// By the caller's address.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
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
  service {
    name = "api"
    id   = "api-1"
    port = 9000
    meta = { version = "v1" }
    connect { sidecar_service { port = 20000 } }
  }
  service {
    name = "api"
    id   = "api-2"
    port = 9001
    meta = { version = "v2" }
    connect { sidecar_service { port = 20001 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    {
      kind = "service-resolver"
      name = "api"
      load_balancer = {
        policy = "ring_hash"
        hash_policies = [
          { source_ip = true },
        ]
      }
    },
  ]
}
