#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine ready to build, test and demonstrate FleetGate. See usage() below.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
usage: Deploy/setup.sh [--mbedtls 2.28|3.6]

Installs the packages that FleetGate needs and that are missing. Does nothing, without root and network, when all are
there. On Debian 12 it takes mbedTLS 3.6, and nothing else, from Debian 13.

A browser (Debian's chromium-headless-shell, 96 MB to download) is installed too, for the test of the simulator's
reports. Where there is none to be had that test is skipped, and everything else works.

  --mbedtls VERSION   also sees to an unpacked copy of that mbedTLS under .build/mbedtls/VERSION, which leaves the
                      installed packages alone, and prints its path on stdout. When that version is the installed one,
                      nothing is unpacked and an empty line is printed.

Everything else goes to stderr.
TEXT
}

readonly swift_minimum=6.2
# The last four are for the tests and for getting here.
readonly packages=(
    libmbedtls-dev libmosquitto-dev mosquitto mosquitto-clients libssl-dev libsqlite3-dev openssl
    python3 python3-paho-mqtt make git
)
# Wanted, not needed; and any of the programs will do.
readonly browser_package=chromium-headless-shell
readonly browsers=(chromium-headless-shell chromium google-chrome)
readonly mbedtls_packages=(libmbedtls-dev libmbedtls21 libmbedx509-7 libmbedcrypto16)
readonly trixie_source=/etc/apt/sources.list.d/fleetgate-trixie.sources
readonly trixie_pin=/etc/apt/preferences.d/fleetgate-trixie
readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root build=$root/.build
readonly log=$build/setup.log stuck=$build/setup-mbedtls-2.28 no_browser=$build/setup-no-browser
multiarch=$(uname -m)-linux-gnu
readonly multiarch

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

# --- What is there -------------------------------------------------------------------------------------------------

# Prints the version of an installed package without epoch, or nothing.
installed_version() {
    local status version
    read -r status version < <(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null) || return 0
    if [[ $status == installed ]]; then printf '%s\n' "${version#*:}"; fi
}

check_swift() {
    local get="get it from https://www.swift.org/install/linux/"
    command -v swift >/dev/null || fail "Swift is missing: FleetGate needs $swift_minimum or later; $get"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    [[ -n $version ]] || fail "\`swift --version\` does not work here: FleetGate needs Swift $swift_minimum; $get"
    dpkg --compare-versions "$version" ge "$swift_minimum" \
        || fail "Swift $version is too old: FleetGate needs $swift_minimum or later; $get"
}

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        if [[ -z $(installed_version "$package") ]]; then printf '%s\n' "$package"; fi
    done
}

has_browser() {
    local browser
    for browser in "${browsers[@]}"; do
        if command -v "$browser" >/dev/null; then return 0; fi
    done
    return 1
}

# shellcheck source=/dev/null
distribution() { (. /etc/os-release && printf '%s %s\n' "${ID:-}" "${VERSION_CODENAME:-}"); }

# --- Becoming root, and apt ----------------------------------------------------------------------------------------

can_be_root() {
    ((EUID == 0)) || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; }
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Runs apt-get as root, silent but for the log.
apt() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o APT::Color=0 "$@" </dev/null >>"$log" 2>&1
}

# Ends the program: these packages are missing, and why they could not be installed.
fail_missing() {
    local why=$1
    shift
    say "missing: $*"
    say "cannot install: $why"
    say "install as root, then run this again:"
    say "    apt-get update && apt-get install $*"
    exit 1
}

# --- Debian 13's mbedTLS on Debian 12 ------------------------------------------------------------------------------

# Reads apt's sources on stdin and prints the URI of each place that has this suite's main component from Debian itself.
# Understands deb822 (.sources) and one-line (.list) entries.
parse_sources() {
    awk -v suite="$1" '
        function has(list, word,    parts, i, count) {
            count = split(list, parts, /[ \t]+/)
            for (i = 1; i <= count; i++) if (parts[i] == word) return 1
            return 0
        }
        # Not another publisher: those often have "bookworm main" too, but keys of their own and other paths.
        function is_debian(uri, key) {
            if (key ~ /^\/[^ \t,]+$/ && key !~ /\/debian-archive-[^\/]*$/) return 0
            return uri ~ /^mirror[+:]/ || uri ~ /^https?:\/\/[^\/]+\.debian\.org\// || uri ~ /^https?:\/\/.*\/debian\/?$/
        }
        function entry(types, uris, suites, components, key,    parts, i, count) {
            if (!has(types, "deb") || !has(suites, suite) || !has(components, "main")) return
            count = split(uris, parts, /[ \t]+/)
            for (i = 1; i <= count; i++)
                if (is_debian(parts[i], key) && !(parts[i] in seen)) {
                    seen[parts[i]] = 1
                    print parts[i]
                }
        }
        function stanza() {
            if (tolower(field["enabled"]) !~ /^(no|false|off|0|without|disable)$/)
                entry(field["types"], field["uris"], field["suites"], field["components"], field["signed-by"])
            delete field
            name = ""
        }
        { sub(/\r$/, "") }
        FNR == 1 { stanza() }
        /^[ \t]*#/ { next }
        /^[ \t]*$/ { stanza(); next }
        /^deb[ \t]/ {
            options = key = ""
            if (match($0, /\[[^]]*\]/)) {
                options = substr($0, RSTART + 1, RLENGTH - 2)
                $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
            }
            if (match(options, /signed-by=[^ \t]+/)) key = substr(options, RSTART + 10, RLENGTH - 10)
            sub(/[ \t]*#.*/, "")
            components = ""
            for (i = 4; i <= NF; i++) components = components " " $i
            entry("deb", $2, $3, components, key)
            next
        }
        /^[ \t]/ { if (name != "") field[name] = field[name] " " substr($0, 2); next }
        match($0, /^[A-Za-z0-9-]+:/) {
            name = tolower(substr($0, 1, RLENGTH - 1))
            value = substr($0, RLENGTH + 1)
            gsub(/^[ \t]+|[ \t]+$/, "", value)
            field[name] = value
        }
        END { stanza() }'
}

# The machine's sources as text. An empty line after each, so that no stanza runs into the next.
machine_sources() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [[ -r $file && $file != "$trixie_source" ]]; then
            cat "$file"
            printf '\n\n'
        fi
    done
}

# Prints a deb822 entry for another suite of Debian, from the places where this machine has its own suite from, verified
# by Debian's archive keyring whatever the machine's own entry says.
debian_entry() {
    local own=$1 other=$2 uris
    mapfile -t uris < <(machine_sources | parse_sources "$own")
    ((${#uris[@]})) || return 1
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "${uris[*]}" "$other"
    # Without that file apt verifies with its own trusted keys; never with none.
    if [[ -r $debian_keyring ]]; then printf 'Signed-By: %s\n' "$debian_keyring"; fi
}

write_as_root() { as_root tee "$1" >/dev/null; }

add_trixie() {
    local entry
    entry=$(debian_entry bookworm trixie) || return 1
    printf '# Written by FleetGate (Deploy/setup.sh), for mbedTLS 3.6 only: see %s\n%s\n' "$trixie_pin" "$entry" \
        | write_as_root "$trixie_source"
    write_as_root "$trixie_pin" <<TEXT
# Written by FleetGate (Deploy/setup.sh): of Debian 13, the mbedTLS packages and nothing else.
Package: *
Pin: release o=Debian,n=trixie
Pin-Priority: -1

Package: ${mbedtls_packages[*]}
Pin: release o=Debian,n=trixie
Pin-Priority: 500
TEXT
    as_root chmod 0644 "$trixie_source" "$trixie_pin"
    apt update -o Dir::Etc::sourcelist="$trixie_source" -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0
}

remove_trixie() { as_root rm -f "$trixie_source" "$trixie_pin"; }

# Installs Debian 13's libmbedtls-dev; on failure leaves the machine's sources as they were.
install_mbedtls_from_trixie() {
    say "Debian 12 has mbedTLS 2.28: taking 3.6 (and nothing else) from Debian 13"
    if add_trixie && [[ $(apt-cache policy libmbedtls-dev) == *"Candidate: 3.6."* ]] \
        && apt install --no-install-recommends libmbedtls-dev; then
        return 0
    fi
    remove_trixie
    say "warning: Debian 13 could not be reached or used (see $log); falling back to Debian 12's mbedTLS 2.28"
    return 1
}

warn_old_mbedtls() {
    say "warning: mbedTLS 2.28 is out of upstream support and has no TLS 1.3; FleetGate works with it, and says so"
}

# --- The browser ---------------------------------------------------------------------------------------------------

# A try that failed is repeated after a day, not at every `make`.
wants_browser() {
    ! has_browser && command -v apt-get >/dev/null && can_be_root && [[ -z $(find "$no_browser" -mtime -1 2>/dev/null) ]]
}

# Installs the browser. Never fails: only one test needs it.
install_browser() {
    if apt-cache show "$browser_package" >/dev/null 2>&1; then
        say "installing $browser_package (for the test of the simulator's reports)"
        if apt install --no-install-recommends "$browser_package"; then return 0; fi
        say "warning: $browser_package could not be installed (see $log): the browser's test will be skipped"
    else
        say "this machine's sources have no $browser_package: the browser's test will be skipped"
    fi
    : >"$no_browser"
}

# --- The whole -----------------------------------------------------------------------------------------------------

# Debian 12 with 2.28 wants the newer one; a try that failed is repeated after a day, not at every `make`.
wants_trixie() {
    [[ $(distribution) == "debian bookworm" && $(installed_version libmbedtls-dev) != 3.6.* ]] \
        && [[ -z $(find "$stuck" -mtime -1 2>/dev/null) ]]
}

update_lists() {
    mkdir -p "$build"
    : >"$log"
    say "reading the package lists"
    apt update || say "warning: not all package lists could be read (see $log)"
}

install_missing() {
    local missing=("$@") had_mosquitto trixie_failed=
    had_mosquitto=$(installed_version mosquitto)
    if ((${#missing[@]})); then
        command -v apt-get >/dev/null || fail_missing "there is no apt-get here" "${missing[@]}"
        can_be_root || fail_missing "that needs root, and sudo is not available" "${missing[@]}"
    elif ! command -v apt-get >/dev/null || ! can_be_root; then
        warn_old_mbedtls
        return 0
    fi

    update_lists
    if wants_trixie && ! install_mbedtls_from_trixie; then trixie_failed=yes; fi

    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]})); then
        say "installing ${missing[*]}"
        if ! apt install --no-install-recommends "${missing[@]}"; then
            tail -n 15 "$log" >&2
            mapfile -t missing < <(missing_packages)
            fail_missing "apt-get failed (see $log)" "${missing[@]}"
        fi
    fi
    if [[ -z $had_mosquitto && -d /run/systemd/system ]]; then
        as_root systemctl disable --now mosquitto.service >>"$log" 2>&1 || true
        say "mosquitto is installed but its service is off: FleetGate starts a private one"
    fi
    if [[ -n $trixie_failed ]]; then : >"$stuck"; fi
    if [[ $(installed_version libmbedtls-dev) == 2.28.* ]]; then warn_old_mbedtls; fi
}

check_mbedtls() {
    local version
    version=$(installed_version libmbedtls-dev)
    case $version in
    2.28.* | 3.6.*) ;;
    *) fail "mbedTLS $version is installed (libmbedtls-dev): FleetGate builds with 2.28 and 3.6" ;;
    esac
}

set_up() {
    command -v dpkg-query >/dev/null \
        || fail "this is for Debian and Ubuntu; elsewhere install the equivalents of: ${packages[*]}"
    check_swift
    local missing
    mapfile -t missing < <(missing_packages)
    local lists=old
    if ((${#missing[@]})) || wants_trixie; then
        install_missing "${missing[@]}"
        lists=new
    fi
    check_mbedtls
    if wants_browser; then
        if [[ $lists == old ]]; then update_lists; fi
        install_browser
    fi
}

# --- The other mbedTLS ---------------------------------------------------------------------------------------------

# Downloads libmbedtls-dev of another suite with an apt of its own: own sources, lists and cache; no root.
download_mbedtls() {
    local suite=$1 directory=$2 id codename entry
    read -r id codename < <(distribution)
    [[ $id == debian ]] || fail "only Debian has two versions of mbedTLS to choose from; this is ${id:-unknown}"
    entry=$(debian_entry "$codename" "$suite") \
        || fail "found no source of Debian's own packages ($codename main) in /etc/apt"
    mkdir -p "$directory"/{lists,cache/archives}/partial
    printf '%s\n' "$entry" >"$directory/debian.sources"
    cat >"$directory/apt.conf" <<TEXT
Dir::Etc::sourcelist "$directory/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$directory/lists";
Dir::State::status "/dev/null";
Dir::Cache "$directory/cache";
APT::Sandbox::User "";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
TEXT
    (
        cd "$directory"
        apt-get -q -c "$directory/apt.conf" update && apt-get -q -c "$directory/apt.conf" download libmbedtls-dev
    ) </dev/null >"$directory/log" 2>&1 || {
        tail -n 15 "$directory/log" >&2
        fail "could not download libmbedtls-dev of Debian $suite"
    }
}

# Prints the prefix of the wanted mbedTLS: empty when it is the installed one.
provide_mbedtls() {
    local wanted=$1 suite target work
    if [[ $(installed_version libmbedtls-dev) == "$wanted".* ]]; then
        printf '\n'
        return
    fi
    target=$build/mbedtls/$wanted
    if [[ ! -e $target/usr/lib/$multiarch/libmbedtls.a ]]; then
        case $wanted in
        2.28) suite=bookworm ;;
        3.6) suite=trixie ;;
        esac
        say "unpacking mbedTLS $wanted of Debian $suite into ${target#"$root"/}"
        mkdir -p "$build/mbedtls"
        work=$(mktemp -d "$build/mbedtls/unpack.XXXXXX")
        # shellcheck disable=SC2064  # the folder's name is to be fixed now
        trap "rm -rf '$work'" EXIT
        download_mbedtls "$suite" "$work/apt"
        dpkg-deb -x "$work"/apt/libmbedtls-dev_"$wanted".*.deb "$work/root" \
            || fail "Debian $suite has no mbedTLS $wanted any more"
        rm -rf "$target"
        mv -T "$work/root" "$target"
        chmod 0755 "$target"
    fi
    printf '%s\n' "$target"
}

case "${1-}" in
'') set_up ;;
--mbedtls)
    [[ ${2-} == 2.28 || ${2-} == 3.6 ]] || fail "--mbedtls takes 2.28 or 3.6, not \"${2-}\""
    set_up
    provide_mbedtls "$2"
    ;;
-h | --help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
