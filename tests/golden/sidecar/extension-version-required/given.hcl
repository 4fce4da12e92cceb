// What is required and not meant for the Envoy (1.40.0) is missed: nothing is served without it. What is not required is left out.
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
      }
    }
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
          envoy_version = ">= 1.41.0"
          arguments = { config { http_service { target { uri = "localhost:9191" } } } }
        },
        {
          name = "builtin/lua"
          envoy_version = "~> 1.39.0"
          arguments = { listener = "inbound", script = "-- not meant" }
        },
      ]
    },
  ]
}
