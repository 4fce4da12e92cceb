// Keys are fetched over TLS: the host's name is sent, and its certificate must be of that name.
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
      kind     = "service-defaults"
      name     = "web"
      protocol = "http"
    },
    {
      kind = "jwt-provider"
      name = "okta"
      issuer = "https://okta.example"
      json_web_key_set {
        remote {
          uri     = "https://keys.example/jwks.json"
          use_sni = true
          jwks_cluster {
            discovery_type  = "LOGICAL_DNS"
            connect_timeout = "250ms"
            tls_certificates { trusted_ca { inline_string = <<-PEM
      -----BEGIN CERTIFICATE-----
      MIIBhDCCASmgAwIBAgIUSkFBFJU3PwlWcSEJimuFqJcBGoswCgYIKoZIzj0EAwIw
      FzEVMBMGA1UEAwwMa2V5cy5leGFtcGxlMB4XDTI2MTEyNTIzNDk0N1oXDTQ2MTEy
      MDIzNDk0N1owFzEVMBMGA1UEAwwMa2V5cy5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
      KoZIzj0DAQcDQgAEP8IoNTjpcYh4TOBtd6IcTGhEMV5KCmfJ2jdPxbkFAmaTPDOV
      d/wokD6zOW9OgaOJ9uR33CkVAOZvVNVeNcKeKaNTMFEwHQYDVR0OBBYEFK5kY1+b
      0kOz7833+byRQ9vLcINIMB8GA1UdIwQYMBaAFK5kY1+b0kOz7833+byRQ9vLcINI
      MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAL1xAIXsLuERNMQS
      bRZpZM06IRwPAWBi+CuxK+tHAB/2AiEA8HNgdEybczXbLsYvh33t4KrI7/E25mQd
      1pyiv7GjwXU=
      -----END CERTIFICATE-----
      PEM
            } }
          }
        }
      }
    },
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        { name = "shop", action = "allow" },
      ]
      jwt {
        providers = [
          { name = "okta" },
        ]
      }
    },
  ]
}
