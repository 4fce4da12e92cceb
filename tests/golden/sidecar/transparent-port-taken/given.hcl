// Where an upstream listens the outbound listener cannot.
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
          mode = "transparent"
          upstreams { destination_name = "db" local_bind_port = 15001 }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "db"
    port = 5432
    connect {
      sidecar_service {
      }
    }
  }
}
