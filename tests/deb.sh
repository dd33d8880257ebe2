#!/usr/bin/env bash
# Unpacks a Debian package of tagout into a folder of its own, and looks whether it is whole: the program runs, the manual page
# reads, the configuration is one, systemd takes the unit, how much the unit is exposed, and whether lintian finds anything. As root it also installs the package,
# installs it again over a changed configuration, and removes it, on a layer over this system that is thrown away.
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
printf '%s\n%s\n' "$(basename "$package"): $(du -k "$package" | cut -f1) KiB, SHA-256 $(sha256sum "$package" | cut -d ' ' -f1)" "$exposure"
# 2.0 is the most that may be exposed: CAP_NET_RAW, packet sockets and network access are what it is for.
score=$(grep -o '[0-9]\+\.[0-9]' <<< "$exposure" | head -n 1)
awk -v score="$score" 'BEGIN { exit !(score <= 2.0) }' || fail "the unit is more exposed than it was"

if command -v lintian >/dev/null; then
    lintian --fail-on error,warning "$package" || fail "lintian finds something"
fi

# On a copy of this system in memory, which only this shell and its children see.
on_a_copy() {
    mount -t tmpfs tmpfs "$work/root"
    mkdir "$work/root/upper" "$work/root/work" "$work/root/copy"
    mount -t overlay -o "lowerdir=/,upperdir=$work/root/upper,workdir=$work/root/work" overlay "$work/root/copy"
    cp "$package" "$work/root/copy/tagout.deb"
    chroot "$work/root/copy" bash -euo pipefail -c "$(declare -f fail life_of_a_package); life_of_a_package"
}

life_of_a_package() {
    export DEBIAN_FRONTEND=noninteractive
    dpkg --install /tagout.deb >/dev/null
    getent passwd tagout >/dev/null || fail "there is no user tagout"
    [ "$(stat --format '%U:%G %a' /etc/tagout/tagout.toml)" = 'root:tagout 640' ] || fail "its configuration is not root's"
    [ "$(stat --format '%U:%G %a' /etc/tagout/policy)" = 'root:tagout 750' ] || fail "its policy is not root's"
    ! find /etc/systemd -name 'tagout.service' | grep -q . || fail "it is enabled before it is configured"
    echo '# of the site' >> /etc/tagout/tagout.toml
    mkdir -p /var/lib/tagout/evidence
    dpkg --install /tagout.deb >/dev/null
    grep -q '# of the site' /etc/tagout/tagout.toml || fail "the configuration was overwritten"
    dpkg --remove tagout >/dev/null
    [ -e /etc/tagout/tagout.toml ] && [ -e /var/lib/tagout/evidence ] || fail "removing it takes what is the site's"
    dpkg --purge tagout >/dev/null
    [ ! -e /etc/tagout/tagout.toml ] && [ ! -e /var/lib/tagout ] || fail "purging it leaves something"
    ! getent passwd tagout >/dev/null || fail "purging it leaves its user"
}

if [ "$(id -u)" = 0 ]; then
    export -f fail life_of_a_package on_a_copy
    export work package
    unshare --mount bash -euo pipefail -c on_a_copy
    echo "installed, installed again, removed and purged on a copy of this system"
else
    echo "not root: not installed"
fi
