// One that asks for endpoints has those of the service; its name may be left out.
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
            "type": "EDS",
            "lb_policy": "RANDOM",
            "eds_cluster_config": {
              "eds_config": {
                "ads": {},
                "resource_api_version": "V3"
              }
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
