job "store" {
  group "front" {
    service {
      name = "my_till"
    }
  }
}
