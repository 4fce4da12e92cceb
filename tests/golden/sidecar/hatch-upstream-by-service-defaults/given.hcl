// The service says it of all its upstreams.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { upstreams { destination_name = "web", local_bind_port = 5000 } }
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      upstream_config { defaults { envoy_cluster_json = <<-EOF
      {"connect_timeout": "3s", "type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}}}
      EOF
      } }
    },
  ]
}
