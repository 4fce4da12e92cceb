// Where requests are not seen there is nothing for a script to do, required or not.
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
      protocol = "tcp"
      envoy_extensions = [
        {
          name = "builtin/lua"
          required = true
          arguments = { listener = "inbound", script = "-- never" }
        },
      ]
    },
  ]
}
