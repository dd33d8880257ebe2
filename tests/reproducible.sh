#!/usr/bin/env bash
# Builds the firmware twice from the files of this work tree, in two folders of different depth and with nothing built before,
# and compares the images byte by byte. Gives up after half an hour.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folders=("$work/one" "$work/some/where/else")

for folder in "${folders[@]}"; do
    mkdir -p "$folder"
    git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$folder"
    env -u CARGO_TARGET_DIR CARGO_INCREMENTAL=0 timeout 900 make --no-print-directory -C "$folder" firmware
done

images=(
    thumbv7em-none-eabihf/firmware/{gateway-mps2-an386,gateway-mps2-an500,nucleo-h743zi}
    thumbv8m.main-none-eabihf/firmware/nucleo-h563zi
)
for image in "${images[@]}"; do
    cmp "${folders[0]}/target/$image" "${folders[1]}/target/$image"
    sha256sum "${folders[0]}/target/$image" | sed "s|${folders[0]}/target/||"
done
echo "the same bytes in both folders"
