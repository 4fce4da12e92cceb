// Filter chains that Envoy fetches somewhere else would ask nobody: refused.
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
          "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
          "name": "mine:10.0.0.1:21000",
          "address": {
            "socket_address": {
              "address": "10.0.0.1",
              "port_value": 21000
            }
          },
          "filter_chains": [
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
          ],
          "fcds_config": {
            "name": "mine",
            "config_source": {
              "ads": {},
              "resource_api_version": "V3"
            }
          }
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
