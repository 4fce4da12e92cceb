// JSON of the user's own, on standard error; nothing about connections that nobody takes.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "proxy-defaults"
      name = "global"
      access_logs {
        enabled               = true
        type                  = "stderr"
        disable_listener_logs = true
        json_format           = "{\"what\": {\"path\": \"%REQ(:PATH)%\", \"status\": \"%RESPONSE_CODE%\"}, \"who\": [\"%DOWNSTREAM_PEER_URI_SAN%\"], \"version\": 1}"
      }
    },
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
    },
  ]
}
