# The basket of the shop: it calls payments and search through its Connect sidecar.
variable "version" {
  type    = string
  default = "v2"
}

locals {
  upstreams = {
    "payments-v1" = 9101
    "search"      = 9102
  }
}

job "basket" {
  datacenters = ["dc1", "dc2"]

  group "web" {
    network {
      mode = "bridge"
      port "http" {
        to = 8081
      }
    }

    service {
      name = "basket-${var.version}"
      port = "http"
      tags = ["shop"]

      connect {
        sidecar_service {
          proxy {
            dynamic "upstreams" {
              for_each = local.upstreams
              content {
                destination_name = upstreams.key
                local_bind_port  = upstreams.value
              }
            }
          }
        }
      }
    }

    task "basket" {
      driver = "docker"
      config {
        image = "registry.example/basket:2"
      }
      env {
        PAYMENTS = "http://${NOMAD_UPSTREAM_ADDR_payments_v1}/v1"
      }
    }
  }
}
