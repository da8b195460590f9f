variable "datacenters" {
  type = list(string)
}

variable "region" {
  type    = string
  default = "global"
}

variable "payments_port" {
  type = number
}

job "basket" {
  region      = var.region
  datacenters = var.datacenters

  group "web" {
    service {
      name = "basket-v2"
      port = "8081"
      tags = ["api"]

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
  }
}
