# Payments, in as many regions as a variable says, with a ledger of its own in each.
variable "regions" {
  type = list(string)
}

variable "ledger_port" {
  type    = number
  default = 7432
}

job "payments" {
  datacenters = ["dc1"]

  meta {
    owner = "money"
  }

  dynamic "group" {
    for_each = var.regions
    iterator = region
    labels   = ["payments-${region.value}"]

    content {
      network {
        mode = "bridge"
        port "http" {
          to = 8080
        }
      }

      service {
        name = format("payments-%s-v1", region.value)
        port = "http"
        tags = concat(["api"], region.value == "eu" ? ["gdpr"] : [])
        meta {
          owner = "money"
          group = NOMAD_GROUP_NAME
        }

        connect {
          sidecar_service {
            proxy {
              upstreams {
                destination_name = "ledger-v3"
                local_bind_port  = var.ledger_port
              }
            }
          }
        }
      }

      task "payments" {
        driver = "docker"
        config {
          image = "registry.example/payments:1"
        }
      }
    }
  }
}
