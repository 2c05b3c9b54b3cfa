#!/usr/bin/env bash
# Runs clang-tidy with the checks of .clang-tidy over the program: app, data, engine, kernels, views. Nothing is built; the files are read in
# batches, as QUIBBLE_BATCH makes them, so that what they include is parsed once for ten of them. A file that is compiled for several
# instruction sets is read once for each.
#
#   scripts/tidy.sh              everything
#   scripts/tidy.sh engine/run   only the batches that hold a file whose path matches this expression
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
source scripts/setup.sh

# Another release knows other checks, and finds other things with the same ones.
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || tidy=
[ -n "$tidy" ] && "$tidy" --version | grep -q 'version 14\.' || {
    echo "clang-tidy 14 is needed. Debian 12: apt-get install clang-tidy clang" >&2
    exit 1
}

folder=build/tidy
# Clang is told to compile, so that no option is one of GCC alone.
quibble_quietly cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DQUIBBLE_BATCH=ON -DQUIBBLE_TESTS=OFF

quibble_quietly cmake --build "$folder" --target data/schema_sql.cpp  # the one source of ours that a build writes
# The portable table is written in vectors of GCC, which Clang 14 does not read: its files are read as those of the other tables only.
database=$(mktemp -d)
found=$(mktemp)
trap 'rm -rf "$database" "$found"' EXIT
awk 'BEGIN { RS = "},?\n"; ORS = "" }
     /"file"/ && !(/\/kernels\/cpu\// && !/-mavx/ && !/cpu_probe|amx_check/) { sub(/^\[?\n?/, ""); print (n++ ? ",\n" : "[\n") $0 "}" }
     END { print "\n]\n" }' "$folder/compile_commands.json" >"$database/compile_commands.json"

# What moc and rcc write is not ours, and is not there before a build.
mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",\?$/\1/p' "$database/compile_commands.json" | grep -vE '_autogen/|/qrc_|/\.rcc/' | sort -u)
if [ -n "${1:-}" ]; then
    mapfile -t files < <(for file in "${files[@]}"; do
        held=$file
        [[ $file != */Unity/* ]] || held=$(grep '^#include' "$file")
        ! grep -qE "$1" <<<"$held" || echo "$file"
    done)
fi
[ ${#files[@]} -gt 0 ] || {
    echo "No file matches ${1:-}" >&2
    exit 1
}
# -Wno-error: .clang-tidy decides which warnings of the compiler count.
status=0
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 "$tidy" -p "$database" --quiet --extra-arg=-Wno-error >"$found" 2>/dev/null || status=$?
[ "$status" -eq 0 ] && exit 0
# A header is seen from several batches.
awk '/: (warning|error): /{ seen = shown[$0]++ } !seen' "$found" >&2
exit 1
