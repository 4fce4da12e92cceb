// An upstream's listener of the user's own, which leads to the cluster that is made.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { upstreams {
        destination_name = "web"
        local_bind_port  = 5000
        config {
          envoy_listener_json = <<-EOF
          {
            "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
            "name": "mine:127.0.0.1:5000",
            "address": {
              "socket_address": {
                "address": "127.0.0.1",
                "port_value": 5000
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
                      "cluster": "web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul"
                    }
                  }
                ]
              }
            ]
          }
          EOF
        }
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
  ]
}
