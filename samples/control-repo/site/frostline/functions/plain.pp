# @summary Names that a message can show: all letters, digits, signs and blanks. Others could forge lines of a log.
#
# @param names
#   Names of the registry, as servers say them.
#
# @return [Array[String[1]]]
#   Those that are plain, in their order.
#
# @api private
function frostline::plain(Array[String] $names) >> Array[String[1]] {
  $names.filter |$name| { $name =~ /\A[\p{L}\p{M}\p{N}\p{P}\p{S} ]+\z/ }
}
