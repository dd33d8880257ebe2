#!/usr/bin/env bash
# Measures which lines of the parsers the fuzz corpora and the behaviour tests reach, and fails where it is too few.
#
# The sensor is built as the library that it is, without its unit tests: they would count as reached lines, and reach lines
# that nothing on a wire does.
set -euo pipefail
cd "$(dirname "$0")/.."

least=95
judged='modbus|dnp3'
sources=(sensor/core/src/modbus sensor/core/src/dnp3 sensor/core/src/wire sensor/core/src/flow)
tests=(fuzz_smoke streams framings)

target_dir=${CARGO_TARGET_DIR:-target}
mkdir -p "$target_dir/coverage"
target_dir=$(cd "$target_dir" && pwd)
work=$target_dir/coverage
tools=$(rustc --print target-libdir)/../bin

# The workspace's own crates alone are instrumented; what they depend on is built once for all purposes.
wrapper=$work/rustc
printf '#!/bin/sh\nexec "$@" -C instrument-coverage\n' >"$wrapper.new"
chmod +x "$wrapper.new"
mv "$wrapper.new" "$wrapper"

cargo_test() {
    RUSTC_WORKSPACE_WRAPPER=$wrapper LLVM_PROFILE_FILE=$work/%m-%p.profraw \
        cargo test --quiet --package tagout-tests --locked "${tests[@]/#/--test=}" "$@"
}

rm -f "$work"/*.profraw
binaries=$(cargo_test --no-run --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
cargo_test >/dev/null
"$tools/llvm-profdata" merge -sparse "$work"/*.profraw -o "$work/profdata"
rm -f "$work"/*.profraw

"$tools/llvm-cov" report --instr-profile="$work/profdata" --show-region-summary=false --show-branch-summary=false \
    $(printf -- '--object=%s ' $binaries) "${binaries%%$'\n'*}" --sources "${sources[@]}" |
    awk -v least="$least" -v judged="^($judged)/" '
        function row(name, lines, missed) { printf "%-36s %6d lines %6d not reached %7.2f %%\n", name, lines, missed, share(lines, missed) }
        function share(lines, missed) { return 100 * (lines - missed) / lines }
        NF == 7 && $1 ~ /\.rs$/ && $5 > 0 {
            row($1, $5, $6)
            if ($1 ~ judged) { all += $5; gone += $6 }
        }
        END {
            if (!all) { print "coverage: nothing was measured"; exit 1 }
            row("modbus and dnp3", all, gone)
            if (share(all, gone) < least) { printf "coverage: less than %d %%\n", least; exit 1 }
        }'
