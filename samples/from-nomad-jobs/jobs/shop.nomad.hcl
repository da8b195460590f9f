variable "payments_port" {
  type    = number
  default = 9101
}

job "shop" {
  group "web" {
    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }

    service {
      name = "shop-v2"
      port = "http"
      tags = ["public"]

      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "payments-v1"
              local_bind_port  = var.payments_port
            }
          }
        }
      }
    }

    task "web" {
      driver = "docker"
    }
  }
}
