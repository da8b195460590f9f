# The parameters are those of before: only where Hiera has them from is new.
class profile::shop (
  String $payments_url,
  String $basket_url,
) {
  file { '/etc/shop.conf':
    content => "payments=${payments_url}\nbasket=${basket_url}\n",
  }
}
