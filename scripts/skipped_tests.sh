#!/usr/bin/env bash
# Names what the last ctest run of a build folder skipped, with the reason that the test gave: a skipped test passes, so nobody would see it.
#
#   scripts/skipped_tests.sh build/dev
#
# A line is one test function of one program and one reason; rows of a table are counted together.
set -euo pipefail
log=${1:?folder of a build}/Testing/Temporary/LastTest.log
[ -f "$log" ] || {
    echo "There is no $log: ctest has not run there" >&2
    exit 1
}
# ctest writes "3/211 Test: tst_x" before the output of a program, Qt Test "SKIP   : TestX::function(row) reason" into it.
awk '
    /^[0-9]+\/[0-9]+ Test: / { program = $3 }
    /^SKIP +: / {
        sub(/^SKIP +: /, "")
        at = match($0, /\([^ ]*( [^()]*)?\) /)   # the row, which may hold blanks
        name = substr($0, 1, at - 1)
        reason = substr($0, at + RLENGTH)
        key = program "  " name ": " reason
        if (!(key in rows)) order[++lines] = key
        ++rows[key]
        ++total
    }
    END {
        if (total == 0) { print "Skipped: nothing"; exit }
        printf "Skipped: %d (functions or rows of a table)\n", total
        for (i = 1; i <= lines; ++i)
            printf "  %s%s\n", order[i], (rows[order[i]] > 1 ? " (" rows[order[i]] " rows)" : "")
    }' "$log"
