# Installs the Debian packages that Quibble needs and that are missing, and says what it does. Sourced by ./run and ./check from the repository root.

# ccache keeps objects of precompiled headers only when told that it may.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

quibble_packages() {
    cat <<'LIST'
ca-certificates
ccache
cmake
fonts-dejavu-core
g++
libcli11-dev
libexpected-dev
libpcre2-dev
libqcustomplot-dev
libspdlog-dev
libsqlite3-dev
libsqlitecpp-dev
libutf8proc-dev
libxxhash-dev
ninja-build
nlohmann-json3-dev
qt6-base-dev
qt6-l10n-tools
qt6-svg-dev
qt6-tools-dev
LIST
    # What only the tests need: libFuzzer comes with clang, the layout of the sources is checked with clang-format, the sources themselves with
    # clang-tidy, the sources of other locales come with locales, a font that joins signs with fonts-firacode.
    [ "${1:-}" = tests ] && printf '%s\n' clang clang-format clang-tidy fonts-firacode libclang-rt-14-dev locales python3-jinja2
    return 0
}

quibble_install_packages() {
    local missing=() package
    for package in $(quibble_packages "${1:-}"); do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "Installing: ${missing[*]}"
    local admin=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "These packages are missing and there is no sudo. As root: apt-get install ${missing[*]}" >&2
            return 1
        }
        admin=(sudo)
    fi
    quibble_quietly "${admin[@]}" apt-get update
    quibble_quietly "${admin[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Runs a command and shows what it printed only when it fails.
quibble_quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    [ "$status" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}
