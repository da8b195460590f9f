# @summary How this host sends mail.
#
# @param host
#   The mail server: a role in frostline.yaml gives it, in this node's datacenter.
# @param port
#   Its port.
class profile::mail (
  String[1] $host,
  Integer[1, 65535] $port,
) {
  file { "${profile::base::folder}/mail.conf":
    content => "smtp = ${host}:${port}\n",
  }
}
