#!/usr/bin/env bash
# Finds or fetches the real servers that the tests run, and prints the path of each, one a line.
#
#   tests/servers/install.sh consul puppet nginx strace
#
# consul  $FROSTLINE_CONSUL, else `consul` on PATH, else the Debian package of the suite bullseye from this machine's own
#         Debian mirror ($FROSTLINE_MIRROR names another), unpacked into ${XDG_CACHE_HOME:-~/.cache}/frostline. No root
#         needed, nothing installed. Where the mirror no longer has it: ../shared/servers/consul_*.deb beside the checkout.
# puppet  `puppet` on PATH, else the Debian package puppet-agent (installed when root).
# nginx   `nginx` on PATH or in /usr/sbin, else the Debian package nginx-light (installed when root).
# strace  `strace` on PATH, else the Debian package of that name (installed when root). No server: it cuts runs off.
#
# May be called by several processes at once. Exit status: 0 all found, 1 one is missing (stderr says why), 2 usage.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/frostline
suite=bullseye

say() { echo "install.sh: $*" >&2; }

# The archives that this machine installs Debian itself from, however its sources are written: what apt would ask if it
# had no lists. `indextargets` would be the command for it, but is silent until a first update.
mirrors() {
    if [[ -n ${FROSTLINE_MIRROR:-} ]]; then
        echo "$FROSTLINE_MIRROR"
        return
    fi
    local lists=$1 codename
    mkdir -p "$lists/partial"
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get update --print-uris -o Dir::State::Lists="$lists/" |
        sed -n "s|^'\(.*\)/dists/\([^/]*\)/InRelease' .*|\2 \1|p" |
        awk -v codename="$codename" '$1 == codename || $2 ~ /\/debian$/ { print ($1 != codename), $2 }' |
        sort -s -k 1,1 | awk '!seen[$2]++ { print $2 }'
}

# apt with state of its own: nothing of the machine's lists, caches or package database is read or written.
# Its configuration (proxies, certificates) is the machine's.
own_apt() {
    local state=$1
    shift
    apt-get -q -o Dir::State="$state/state" -o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" \
        -o Dir::Cache="$state/cache" -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::Log="$state/log" -o APT::Sandbox::User= -o Acquire::Retries=3 \
        -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@"
}

# Fetches consul_*.deb from one archive into a folder.
download_consul() {
    local mirror=$1 folder=$2
    local state=$folder/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    rm -rf "$state"
    mkdir -p "$state"/{state,lists/partial,cache/archives/partial,log}
    touch "$state/status"
    # An old suite's Release file may be past its Valid-Until; its signature is checked all the same.
    local options="target=Packages lang=none check-valid-until=no"
    [[ -e $keyring ]] && options+=" signed-by=$keyring"
    echo "deb [$options] $mirror $suite main" >"$state/sources.list"
    own_apt "$state" update && (cd "$folder" && own_apt "$state" download consul)
}

# The one consul_*.deb that a folder has, or nothing.
package_in() { find "$1" -maxdepth 1 -name 'consul_*.deb' 2>/dev/null | sort | tail -n 1; }

fetch_consul() {
    local folder=$1 mirror package=
    for mirror in $(mirrors "$folder/no-lists" 2>/dev/null || true); do
        say "consul: fetching from $mirror ($suite)"
        if download_consul "$mirror" "$folder" >"$folder/apt.log" 2>&1; then
            package=$(package_in "$folder")
            [[ -n $package ]] && break
        fi
        say "consul: $mirror does not have it: $(grep '^[EW]:' "$folder/apt.log" | head -n 1)"
    done
    [[ -n $package ]] || package=$(package_in "$checkout/../shared/servers")
    if [[ -z $package ]]; then
        say "consul: no Debian mirror has it; install Consul, or set FROSTLINE_CONSUL to a binary"
        return 1
    fi
    # Explicitly in one chain: `set -e` does not reach into a function that is called in a condition.
    dpkg-deb -x "$package" "$folder/root" && [[ -x $folder/root/usr/bin/consul ]]
}

consul() {
    if [[ -n ${FROSTLINE_CONSUL:-} ]]; then
        [[ -x $FROSTLINE_CONSUL ]] && echo "$FROSTLINE_CONSUL" && return
        say "consul: FROSTLINE_CONSUL=$FROSTLINE_CONSUL is no program"
        return 1
    fi
    type -P consul && return
    local kept=$cache/consul
    mkdir -p "$cache"
    # One process fetches, the others wait; the folder appears whole or not at all.
    exec 9>"$cache/consul.lock"
    flock 9
    if [[ ! -x $kept/usr/bin/consul ]]; then
        local folder status=0
        folder=$(mktemp -d "$cache/consul.XXXXXX")
        fetch_consul "$folder" && rm -rf "$kept" && mv -T "$folder/root" "$kept" || status=1
        rm -rf "$folder"
        [[ $status == 0 ]] || return 1
    fi
    exec 9>&-
    echo "$kept/usr/bin/consul"
}

# Installs a package without starting the service that comes with it.
apt_install() {
    local package=$1 policy=/usr/sbin/policy-rc.d made= status=0
    if [[ $(id -u) != 0 ]] || ! type -P apt-get >/dev/null; then
        say "$package is not installed: run 'apt-get install $package' as root"
        return 1
    fi
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=1
    fi
    say "installing $package"
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$package"; } \
        >&2 </dev/null || status=1
    [[ -z $made ]] || rm -f "$policy"
    return $status
}

# Prints where a program is; installs its package first where it is nowhere.
program() {
    local name=$1 package=$2 path=$PATH:/usr/sbin
    PATH=$path type -P "$name" && return
    mkdir -p "$cache"
    (
        flock 9
        PATH=$path type -P "$name" >/dev/null || apt_install "$package"
    ) 9>"$cache/install.lock" || return 1
    PATH=$path type -P "$name"
}

missing=0
for server in "${@:-consul}"; do
    case $server in
        consul) consul || missing=1 ;;
        puppet) program puppet puppet-agent || missing=1 ;;
        nginx) program nginx nginx-light || missing=1 ;;
        strace) program strace strace || missing=1 ;;
        *)
            say "unknown server $server; there are: consul puppet nginx strace"
            exit 2
            ;;
    esac
done
exit $missing
