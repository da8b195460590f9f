# @summary The checkout, which calls payments.
#
# @param payments
#   The URL of payments: of this node's datacenter, unless Hiera says another.
class profile::checkout (
  String[1] $payments = frostline::url('payments', 'v1'),
) {
  $hosts = frostline::endpoints('payments', 'v1').map |Frostline::Endpoint $endpoint| { $endpoint['address'] }

  file { "${profile::base::folder}/checkout.conf":
    content => "payments = ${payments}\nfallback = ${hosts.join(' ')}\n",
  }
  ~> exec { 'reload checkout':
    command     => "/bin/sh -c 'echo reloaded >>${profile::base::folder}/reloads'",
    refreshonly => true,
  }
}
