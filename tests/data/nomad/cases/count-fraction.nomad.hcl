job "store" {
  group "front" {
    count = 1.5
    service {
      name = "till"
    }
  }
}
