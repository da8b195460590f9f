job "store" {
  meta {
    run = uuidv4()
  }
  group "front" {
    service {
      name = "till"
    }
  }
}
