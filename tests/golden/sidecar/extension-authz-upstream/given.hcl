// An upstream of the proxy is asked, over the mesh.
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
          upstreams { destination_name = "authz" local_bind_port = 9191 }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "authz"
    port = 7001
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
          name = "builtin/ext-authz"
          required = true
          arguments = {
            config { grpc_service { target { service { name = "authz" } } } }
          }
        },
      ]
    },
    { kind = "service-defaults", name = "authz", protocol = "grpc" },
  ]
}
