# @summary What Hiera has of a version of a service that can be called. Fails with the reason where there is none.
#
# @param service
#   The name of the service.
# @param version
#   Its version. undef: the one without a version.
#
# @return [Hash]
#   The entry, which has a URL and endpoints.
#
# @api private
function frostline::called(String[1] $service, Optional[String[1]] $version) >> Hash {
  $versions = frostline::found($service)
  $label = $version ? {
    Undef   => 'unversioned',
    default => $version,
  }
  $name = String($service, '%p')
  $entry = $versions[$label]
  if $entry =~ Undef {
    $others = frostline::plain($versions.keys - ['unversioned']).map |$other| { String($other, '%p') }
    $has = $others.empty ? {
      true    => 'it has no version: leave the version out',
      default => "it has ${others.join(', ')}",
    }
    $missing = $version ? {
      Undef   => 'is not in the registry without a version',
      default => "has no version ${String($version, '%p')}",
    }
    fail("frostline: ${name} ${missing}; ${has}")
  }
  if $entry['url'] =~ Undef {
    $shown = $version ? {
      Undef   => '',
      default => " ${String($version, '%p')}",
    }
    fail("frostline: ${name}${shown} has no endpoint: it is only declared; `frostline explain` says why")
  }
  $entry
}
