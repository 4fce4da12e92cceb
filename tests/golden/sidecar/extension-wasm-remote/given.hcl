// Code that an upstream has.
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
      protocol = "http"
      envoy_extensions = [
        {
          name = "builtin/wasm"
          required = true
          arguments = {
            protocol = "http"
            plugin_config {
              name = "plugin"
              root_id = "root"
              configuration = "{\"a\": 1}"
              capability_restriction_configuration { allowed_capabilities { proxy_on_vm_start = {}, proxy_log = {} } }
              vm_config {
                vm_id = "vm"
                runtime = "v8"
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
