// Nobody has endpoints for it: refused.
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
          "type": "EDS",
          "eds_cluster_config": {
            "eds_config": {
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
