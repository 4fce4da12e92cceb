// What a header must not be: such a rule holds for a request without the header too, which Envoy's own inversion does not.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind     = "service-defaults"
      name     = "web"
      protocol = "http"
    },
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        {
          name        = "shop"
          permissions = [
            {
              action = "deny"
              http {
                header = [
                  { name = "x-team", exact = "payments", invert = true },
                  { name = "x-debug", present = true, invert = true },
                ]
              }
            },
          ]
        },
      ]
    },
  ]
}
