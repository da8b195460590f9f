# Freezes the datacenter that it runs in, an hour apart, and pushes the lock to the branch from which CI merges.
# `nomad job run -var datacenter=ams freeze.nomad.hcl`, once for each datacenter.

variable "datacenter" {
  type = string
}

variable "repository" {
  type    = string
  default = "git@git.example:infra/registry.git"
}

job "freeze" {
  name        = "freeze-${var.datacenter}"
  type        = "batch"
  datacenters = [var.datacenter]

  periodic {
    crons            = ["0 * * * *"]
    prohibit_overlap = true
  }

  group "freeze" {
    restart {
      attempts = 2
    }

    task "freeze" {
      driver = "docker"

      config {
        image   = "registry.example/frostline:latest"
        command = "/bin/sh"
        args    = ["-eu", "/local/freeze.sh"]
      }

      env {
        CONSUL_HTTP_ADDR = "http://${attr.unique.network.ip-address}:8500"
        DATACENTER       = var.datacenter
        REPOSITORY       = var.repository
      }

      template {
        destination = "local/freeze.sh"
        perms       = "755"
        data        = <<-EOT
          git clone --depth 1 "$REPOSITORY" checkout
          cd checkout
          frostline freeze --source mesh --datacenter "$DATACENTER" --out "parts/$DATACENTER.lock"
          git switch -C "frozen/$DATACENTER"
          git add parts
          git commit -m "Freeze $DATACENTER" || exit 0
          git push --force origin "frozen/$DATACENTER"
        EOT
      }

      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}
