variable "a" {
  default = "x"
}
variable "b" {
  default = "${var.a}-y"
}
job "store" {
  group "front" {
    service {
      name = var.b
    }
  }
}
