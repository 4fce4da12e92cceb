// A burst after a quiet time; some paths have limits of their own, and the first that fits counts.
proxy = "web-sidecar-proxy"

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
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      rate_limits {
        instance_level {
          requests_per_second = 100
          requests_max_burst  = 500
          routes = [
            { path_exact = "/login", requests_per_second = 5 },
            { path_prefix = "/search", requests_per_second = 10, requests_max_burst = 20 },
            { path_regex = "/v[0-9]+/.*", requests_per_second = 50 },
          ]
        }
      }
    },
  ]
}
