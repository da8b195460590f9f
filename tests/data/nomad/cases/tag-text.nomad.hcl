job "store" {
  group "front" {
    service {
      name = "till"
      tags = ["re.replacement=https://x/$${1}", "b"]
    }
  }
}
