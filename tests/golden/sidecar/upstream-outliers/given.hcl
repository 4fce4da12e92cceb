// Instances that fail are left alone for a while.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service = {
      port = 21000
      proxy = {
        upstreams = [
          {
            destination_name = "api"
            local_bind_port = 5000
            config = {
              passive_health_check = {
                interval = "5s"
                max_failures = 3
                enforcing_consecutive_5xx = 100
                max_ejection_percent = 50
                base_ejection_time = "10s"
              }
            }
          },
        ]
      }
    } }
  }
  service {
    name = "api"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = []
}
