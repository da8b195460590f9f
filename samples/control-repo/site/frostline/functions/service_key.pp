# @summary The key of a service in Hiera.
#
# Dots and quotes have a meaning in Hiera's keys, so each byte that is no ASCII letter, digit, `_` or `-` is
# percent-encoded.
#
# @param service
#   The name of the service.
#
# @return [String[1]]
#   The key.
#
# @api private
function frostline::service_key(String[1] $service) >> String[1] {
  # What is plain is taken as it is: most names, and in a fraction of the time.
  $encoded = $service ? {
    /\A[A-Za-z0-9_-]+\z/ => $service,
    default              => $service.split('').map |$character| {
      $character ? {
        /\A[A-Za-z0-9_-]\z/ => $character,
        default             => Array(Binary($character, '%s')).map |$byte| { sprintf('%%%02X', $byte) }.join,
      }
    }.join,
  }
  "frostline::service::${encoded}"
}
