#!/usr/bin/env bash
# Builds the firmware and the Debian package twice from the files of this work tree, in two folders of different depth, each with a
# registry of its own and with nothing built before, and compares images, program and package byte by byte. Gives up after two hours.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folders=("$work/one" "$work/some/where/else")
registry=${CARGO_HOME:-$HOME/.cargo}/registry
unset CARGO_TARGET_DIR CFLAGS RUSTFLAGS
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH

# Both before anything is built, which takes its time: the work tree may change meanwhile.
for folder in "${folders[@]}"; do
    mkdir -p "$folder"
    git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$folder"
done
for folder in "${folders[@]}"; do
    mkdir -p "$folder-cargo"
    # What was downloaded need not be again.
    [ ! -d "$registry" ] || cp -a "$registry" "$folder-cargo/"
    CARGO_HOME="$folder-cargo" timeout 3600 make --no-print-directory -C "$folder" firmware deb
done

products=(
    thumbv7em-none-eabihf/firmware/{gateway-mps2-an386,gateway-mps2-an500,nucleo-h743zi}
    thumbv8m.main-none-eabihf/firmware/nucleo-h563zi
    release/tagout
    "debian/$(basename "${folders[0]}"/target/debian/tagout_*.deb)"
)
for product in "${products[@]}"; do
    cmp "${folders[0]}/target/$product" "${folders[1]}/target/$product"
    sha256sum "${folders[0]}/target/$product" | sed "s|${folders[0]}/target/||"
done
echo "the same bytes in both folders"
