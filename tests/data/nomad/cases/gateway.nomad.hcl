job "store" {
  group "front" {
    service {
      name = "edge"
      port = "80"
      connect {
        gateway {
          mesh {}
        }
      }
    }
    service {
      name = "till"
    }
  }
}
