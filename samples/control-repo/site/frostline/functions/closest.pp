# @summary The known name that a name was probably meant to be.
#
# The same but for case and signs, else within one edit of it, else the shortest that goes on after it or that it goes
# on after.
#
# @param name
#   What was asked for.
# @param known
#   The names of the registry.
#
# @return [Optional[String[1]]]
#   One of them, quoted; undef where none is close.
#
# @api private
function frostline::closest(String[1] $name, Array[String] $known) >> Optional[String[1]] {
  $plain = frostline::plain($known)
  $folded = $name.downcase.regsubst('[^\p{L}\p{N}]', '', 'G')
  $alike = $plain.filter |$other| { $other.downcase.regsubst('[^\p{L}\p{N}]', '', 'G') == $folded }

  # A pattern of all names that differ by one letter, or by two neighbours that changed places.
  $letters = $name.downcase.split('').map |$letter| { regsubst($letter, '[^\p{L}\p{N}]', '\\\\\0') }
  $edits = $letters.map |$at, $letter| {
    $head = $letters[0, $at].join
    $next = $letters[$at + 1, 1].join
    ["${head}.{0,2}${letters[$at + 1, -1].join}", "${head}${next}${letter}${letters[$at + 2, -1].join}"]
  }
  $near = Regexp("\\A(?:${edits.flatten.join('|')})\\z")
  $edited = $name ? {
    String[3, 60] => $plain.filter |$other| { $other.downcase =~ $near },
    default       => [],
  }

  $longer = $plain.filter |$other| {
    $least = min($name.length, $other.length)
    $least > 2 and $name[0, $least] == $other[0, $least]
  }
  $found = ($alike + $edited + $longer.sort |$one, $other| { compare($one.length, $other.length) })[0]
  $found ? {
    Undef   => undef,
    default => String($found, '%p'),
  }
}
