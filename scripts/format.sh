#!/usr/bin/env bash
# Formats all C++ files of the repository as .clang-format says.
#
#   scripts/format.sh            formats them
#   scripts/format.sh --check    changes nothing; names the files that are not formatted, and fails if there are any
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# Another release of clang-format would lay some lines out in another way.
formatter=$(command -v clang-format-14 || command -v clang-format)
"$formatter" --version | grep -q 'version 14\.' || {
    echo "clang-format 14 is needed; $("$formatter" --version) would format differently. Debian 12: apt-get install clang-format" >&2
    exit 1
}

mapfile -d '' files < <(find app data engine kernels tests train views \( -name '*.cpp' -o -name '*.h' \) -print0)
if [ "${1:-}" != --check ]; then
    printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 64 "$formatter" -i
    exit 0
fi
unformatted=$(printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 64 "$formatter" --dry-run 2>&1 | sed -n 's/^\([^: ]*\.\(cpp\|h\)\):.*clang-format-violations.*/\1/p' | sort -u)
[ -z "$unformatted" ] && exit 0
echo "Not formatted; run scripts/format.sh:" >&2
echo "$unformatted" >&2
exit 1
