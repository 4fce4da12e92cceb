// Only what is meant for the version of Consul whose interface is spoken, and for the Envoy (1.40.0). What is required
// for one Envoy and written again for another is not missed.
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
          name = "builtin/lua"
          consul_version = ">= 1.16.0, < 2.0.0"
          arguments = { listener = "inbound", script = "-- meant" }
        },
        {
          name = "builtin/lua"
          consul_version = "~> 1.18.0"
          arguments = { listener = "inbound", script = "-- not meant" }
        },
        {
          name = "builtin/lua"
          required = true
          envoy_version = ">= 1.40.0"
          arguments = { listener = "inbound", script = "-- meant for new Envoys" }
        },
        {
          name = "builtin/lua"
          required = true
          envoy_version = "< 1.40.0"
          arguments = { listener = "inbound", script = "-- meant for old Envoys" }
        },
      ]
    },
  ]
}
