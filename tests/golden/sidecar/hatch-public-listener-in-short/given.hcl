// Name and type may be left out.
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
          "address": {
            "socketAddress": {
              "address": "10.0.0.1",
              "portValue": 21000
            }
          },
          "filterChains": [
            {
              "filters": [
                {
                  "name": "envoy.filters.network.tcp_proxy",
                  "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                    "stat_prefix": "mine",
                    "cluster": "local_app"
                  }
                }
              ]
            }
          ]
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
