# @summary What Hiera has of a service. Fails with the closest name where it has nothing.
#
# @param service
#   The name of the service.
#
# @return [Hash]
#   Version -> entry.
#
# @api private
function frostline::found(String[1] $service) >> Hash {
  $found = lookup(frostline::service_key($service), { 'default_value' => undef })
  if $found =~ Undef {
    $near = frostline::closest($service, lookup('frostline::index', { 'default_value' => {} }).keys)
    $hint = $near ? {
      Undef   => '',
      default => "; did you mean ${near}?",
    }
    fail("frostline: there is no service ${String($service, '%p')}${hint}")
  }
  $found
}
