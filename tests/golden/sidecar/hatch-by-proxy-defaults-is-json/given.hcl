// What is not JSON is told of.
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
    },
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        { name = "shop", action = "allow" },
      ]
    },
    {
      kind = "proxy-defaults"
      name = "global"
      config { envoy_local_cluster_json = "{" }
    },
  ]
}
