job "store" {
  group "front" {
    service {
      name = "till"
      check {
        type      = "tcp"
        intervall = "10s"
      }
    }
  }
}
