// An upstream's cluster of the user's own: opened with the mesh's TLS, and only to who proves to be the service.
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
          envoy_cluster_json = <<-EOF
          {
            "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "name": "web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul",
            "connect_timeout": "2s",
            "type": "STATIC",
            "load_assignment": {
              "cluster_name": "web.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul",
              "endpoints": [
                {
                  "lb_endpoints": [
                    {
                      "endpoint": {
                        "address": {
                          "socket_address": {
                            "address": "10.0.0.9",
                            "port_value": 9000
                          }
                        }
                      }
                    }
                  ]
                }
              ]
            }
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
