// Code that looks at connections.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect {
      sidecar_service {
        proxy {
          upstreams { destination_name = "files" local_bind_port = 9191 }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "files"
    port = 7001
    connect { sidecar_service {} }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "tcp"
      envoy_extensions = [
        {
          name = "builtin/wasm"
          arguments = {
            protocol = "tcp"
            plugin_config {
              name = "plugin"
              root_id = "root"
              configuration = "{\"a\": 1}"
              vm_config {
                vm_id = "vm"
                environment_variables { host_env_keys = ["HOME"], key_values { b = "2", a = "1" } }
                code { remote { http_uri { service { name = "files" }, uri = "http://files/plugin.wasm", timeout = "5s" }, sha256 = "abababababababababababababababababababababababababababababababab", retry_policy { num_retries = 2, retry_back_off { base_interval = "1s" } } } }
              }
            }
          }
        },
      ]
    },
    { kind = "service-defaults", name = "files", protocol = "http" },
  ]
}
