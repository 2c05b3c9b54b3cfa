#!/usr/bin/env bash
# Dependencies point one way: fails on an include that points the other way, on Qt outside of the window, and on a machine's absolute path.
set -u
cd "$1" || exit 1
faults=0

# forbid FOLDERS PATTERN ALLOWED: no file of the folders includes what matches PATTERN, unless it matches ALLOWED.
forbid() {
    local hits
    hits=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*$2" $1 --include=*.h --include=*.cpp 2>/dev/null | grep -vE "include[[:space:]]*$3")
    [ -z "$hits" ] && return
    echo "$hits"
    faults=$((faults + $(wc -l <<<"$hits")))
}

nothing='a^'
forbid kernels '"' '"kernels/'
forbid "kernels engine data train app/cli app/evaluation" '<Q' "$nothing"
forbid engine/values '"' '"engine/values/'
forbid engine/metrics '"' '"engine/(values|metrics)/'
forbid engine/grading '"' '"engine/(values|metrics|grading)/'
forbid "engine train" '"(data|views|app)/' "$nothing"
forbid data '"' '"(data/|engine/(values|grading|metrics)/)'
forbid views '"(data|app|kernels)/|"engine/' '"engine/(values|grading|metrics)/'
forbid app/evaluation '"(app|views)/' '"app/evaluation/'
forbid app '"kernels/' '"kernels/(ops|limits)\.h'

paths=$(grep -rnE '(^|[^A-Za-z0-9_.~/-])/(home|root|work)/' kernels engine data train views app tests cmake scripts docs README.md run check .ci \
    --include=* --exclude=*.gguf --exclude=check_layers.sh -I 2>/dev/null)
[ -n "$paths" ] && { echo "$paths"; faults=$((faults + 1)); }

echo "$faults faults"
[ "$faults" -eq 0 ]
