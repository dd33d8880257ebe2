#!/usr/bin/env bash
# Unpacks a Debian package of tagout into a folder of its own, and looks whether it is whole: the program runs, the manual page
# reads, the configuration is one, systemd takes the unit, and how much the unit is exposed.
#
# Usage: deb.sh PACKAGE
set -euo pipefail

fail() { printf 'deb: %s\n' "$*" >&2; exit 1; }

package=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb --extract "$package" "$work/root"
dpkg-deb --control "$package" "$work/control"

version=$("$work/root/usr/bin/tagout" --version)
[ "$version" = "tagout $(dpkg-deb --field "$package" Version | sed 's/-.*//')" ] || fail "it is $version"
grep -qx '/etc/tagout/tagout.toml' "$work/control/conffiles" || fail "the configuration would be overwritten"
for script in postinst prerm postrm; do
    sh -n "$work/control/$script" || fail "$script is no shell script"
    ! grep -q DEBHELPER "$work/control/$script" || fail "$script was not completed"
done
man --warnings "$(find "$work/root" -name 'tagout.1*')" >/dev/null 2>"$work/man" && [ ! -s "$work/man" ] || fail "man: $(cat "$work/man")"
bash -n "$work/root/usr/share/bash-completion/completions/tagout" || fail "the completions are no script"

unit=$(find "$work/root" -name tagout.service)
sed "s|/usr/bin/tagout|$work/root&|" "$unit" > "$work/tagout.service"
systemd-analyze verify --man=no "$work/tagout.service" || fail "systemd does not take the unit"
exposure=$(systemd-analyze security --offline=true "$work/tagout.service" | tail -n 1)
printf '%s\n%s\n' "$(basename "$package"): $(du -k "$package" | cut -f1) KiB" "$exposure"
# 2.0 is the most that may be exposed: CAP_NET_RAW, packet sockets and network access are what it is for.
score=$(grep -o '[0-9]\+\.[0-9]' <<< "$exposure" | head -n 1)
awk -v score="$score" 'BEGIN { exit !(score <= 2.0) }' || fail "the unit is more exposed than it was"
