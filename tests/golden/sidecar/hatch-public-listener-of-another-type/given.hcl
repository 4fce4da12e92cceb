// Refused; the upstreams of the proxy are served.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { config {
        envoy_public_listener_json = <<-EOF
        {
          "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
          "name": "local_app"
        }
        EOF
      } }
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
  ]
}
