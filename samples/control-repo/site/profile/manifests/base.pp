# @summary Where the shop's configuration is.
#
# @param folder
#   The folder.
class profile::base (
  Pattern[/\A\//] $folder,
) {
  file { $folder:
    ensure => directory,
  }
}
