// Every kind of test of a header, all of which must hold.
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
              action = "allow"
              http {
                header = [
                  { name = "x-present", present = true },
                  { name = "x-exact", exact = "v" },
                  { name = "x-prefix", prefix = "v", ignore_case = true },
                  { name = "x-suffix", suffix = "v" },
                  { name = "x-contains", contains = "v", ignore_case = true },
                  { name = "x-regex", regex = "v.*" },
                ]
              }
            },
          ]
        },
      ]
    },
  ]
}
