// A cluster of the user's own in place of the application's.
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
        envoy_local_cluster_json = <<-EOF
        {
          "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
          "name": "local_app",
          "connect_timeout": "2s",
          "type": "STATIC",
          "load_assignment": {
            "cluster_name": "local_app",
            "endpoints": [
              {
                "lb_endpoints": [
                  {
                    "endpoint": {
                      "address": {
                        "socket_address": {
                          "address": "127.0.0.1",
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
