job "store" {
  group "front" {
    update {}
    update {}
    service {
      name = "till"
    }
  }
}
