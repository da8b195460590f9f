# @summary A host of the shop: it calls payments, and sends mail.
class role::shop {
  include profile::base
  include profile::checkout
  include profile::mail
}
