// A quarter of the requests begin a trace, in and out.
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
      kind = "proxy-defaults"
      name = "global"
      config {
        envoy_listener_tracing_json = <<-EOF
        {
          "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing",
          "random_sampling": { "value": 25 },
          "custom_tags": [{ "tag": "mesh", "literal": { "value": "dc1" } }]
        }
        EOF
      }
    },
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
    },
  ]
}
