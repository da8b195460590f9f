variable "a" {}
variable "b" {}
variable "c" {}
job "store" {
  group "front" {
    service {
      name = "till-${var.a}"
    }
  }
}
