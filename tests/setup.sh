#!/usr/bin/env bash
# Installs what this machine lacks for the given purposes, and says so. Purposes: build, test, gateway-linux, peers, licences, package, measure, fuzz, coverage.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
have() { command -v "$1" >/dev/null; }

# Debian packages, each with the file or command that shows that it is there.
packages_for() {
    case $1 in
    build) echo 'gcc:cc libc6-dev:/usr/include/stdio.h libpcap-dev:/usr/include/pcap/pcap.h ca-certificates:/etc/ssl/certs curl:curl' ;;
    test) echo 'iproute2:ip iputils-ping:ping dnsmasq-base:dnsmasq valgrind:valgrind qemu-system-arm:qemu-system-arm tshark:tshark' ;;
    gateway-linux) echo 'qemu-system-arm:qemu-system-aarch64' ;;
    peers) echo 'python3-venv:/usr/share/doc/python3-venv mbpoll:mbpoll rsyslog:/usr/sbin/rsyslogd rsyslog-gnutls:/usr/share/doc/rsyslog-gnutls nats-server:/usr/sbin/nats-server mosquitto:/usr/sbin/mosquitto mosquitto-clients:mosquitto_sub tinyproxy-bin:tinyproxy openssl:openssl' ;;
    package) echo 'adduser:adduser dpkg:dpkg-deb systemd:systemd-analyze man-db:man lintian:lintian' ;;
    measure) echo 'iproute2:ip tcpdump:tcpdump' ;;
    fuzz) echo 'g++:c++' ;;
    esac
}

missing_packages() {
    local package probe
    for package in $(packages_for "$1"); do
        probe=${package#*:}
        [ -e "$probe" ] || have "$probe" || echo "${package%%:*}"
    done
}

install_packages() {
    local missing as_root=()
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    if ! have apt-get; then
        say "this system has no apt-get; please install what Debian calls:" $missing
        exit 1
    fi
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    say "installing system packages:" $missing
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
}

install_rust() {
    if ! have cargo; then
        say "installing rustup into ~/.cargo and ~/.rustup (https://rustup.rs)"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal --default-toolchain none
    fi
    if have rustup; then
        rustup show active-toolchain >/dev/null 2>&1 || rustup toolchain install
    else
        say "no rustup here: cargo has to be $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or later"
    fi
}

# The firmware's target and the lints come with rust-toolchain.toml where rustup is new enough; name them all the same.
install_rust_components() {
    have rustup || return 0
    local target
    for target in $(sed -n 's/^targets = \[\(.*\)\]/\1/p' rust-toolchain.toml | tr -d '",'); do
        rustup target list --installed | grep -qx "$target" || { say "adding the Rust target $target"; rustup -q target add "$target"; }
    done
    cargo clippy --version >/dev/null 2>&1 || { say "adding clippy"; rustup -q component add clippy; }
    cargo fmt --version >/dev/null 2>&1 || { say "adding rustfmt"; rustup -q component add rustfmt; }
}

# A folder with what a list names, for this Python.
install_python() {
    local folder=$1 list=$2 python=$3
    say "installing into $folder:" $(grep -v '^#' "$list")
    "$python" -m venv "$folder"
    "$folder/bin/pip" install -q --no-compile -r "$list"
    cp "$list" "$folder/installed.txt"
}

# The stacks that tests/tests/peers lets talk.
install_peers() {
    local list=tests/peers/requirements.txt
    cmp -s "$list" .venv/installed.txt || install_python .venv "$list" python3
}

# MCP servers from the package index and the client that calls them, which tests/tests/agents sets against tagout. What they depend on
# contradicts, so that each has a folder of its own; all are fetched at once.
install_agents() {
    local list name python row rows=()
    for list in tests/peers/agents/*.txt; do
        name=$(basename "$list" .txt)
        cmp -s "$list" ".venv/agents/$name/installed.txt" && continue
        python=$(python_for "$list") || { say "left out: $name, which needs a later Python than there is here"; continue; }
        install_python ".venv/agents/$name" "$list" "$python" &
        rows+=($!)
    done
    for row in "${rows[@]}"; do wait "$row"; done
}

# A Python as late as a list says that it needs.
python_for() {
    local python least
    least=$(sed -n 's/^# Needs Python \([0-9]*\)\.\([0-9]*\).*/\1, \2/p' "$1")
    for python in python3 python3.13 python3.14 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[3-9]*/bin/python3; do
        "$python" -c "import sys; sys.exit(sys.version_info < (${least:-3, 11}))" 2>/dev/null && echo "$python" && return
    done
    return 1
}

# What a static binary for a Cortex-A gateway needs, and Debian's kernel for one, unpacked without being installed.
install_gateway_linux() {
    local target=aarch64-unknown-linux-musl kernel=${CARGO_TARGET_DIR:-target}/gateway-linux/kernel
    if have rustup && ! rustup target list --installed | grep -qx "$target"; then
        say "adding the Rust target $target"
        rustup -q target add "$target"
    fi
    [ -d "$kernel" ] || unpack_kernel "$kernel"
}

# Lists of packages of its own, so that this machine's apt does not get to know another architecture.
unpack_kernel() {
    local folder package apt
    folder=$(mktemp -d)
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    apt="-qq -o APT::Architectures::=arm64 -o Dir::State::lists=$folder/lists -o Dir::Cache=$folder/cache -o APT::Sandbox::User=$(id -un)"
    say "downloading Debian's kernel for arm64 into $1"
    apt-get $apt update
    package=$(apt-cache $apt depends linux-image-cloud-arm64:arm64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
    (cd "$folder" && apt-get $apt download "$package")
    mkdir -p "${1%/*}"
    dpkg-deb -x "$folder"/*.deb "$folder/unpacked"
    mv "$folder/unpacked" "$1"
    rm -r "$folder"
}

install_cargo_deny() {
    cargo deny --version >/dev/null 2>&1 || { say "building cargo-deny into ~/.cargo/bin (a few minutes, once)"; cargo install -q --locked cargo-deny; }
}

install_packager() {
    cargo deb --version >/dev/null 2>&1 || { say "building cargo-deb into ~/.cargo/bin (a few minutes, once)"; cargo install -q --locked cargo-deb; }
}

install_fuzzer() {
    rustup toolchain list | grep -q '^nightly' || { say "adding the nightly Rust that sanitizers need"; rustup -q toolchain install nightly --profile minimal; }
    cargo fuzz --version >/dev/null 2>&1 || { say "building cargo-fuzz into ~/.cargo/bin (once)"; cargo install -q --locked cargo-fuzz; }
}

install_coverage_tools() {
    [ -x "$(rustc --print target-libdir)/../bin/llvm-cov" ] || { say "adding the LLVM tools of the toolchain"; rustup -q component add llvm-tools; }
}

for purpose in "$@"; do
    case $purpose in
    build) install_packages build; install_rust ;;
    test) install_packages test; install_rust_components ;;
    gateway-linux) install_packages gateway-linux; install_gateway_linux ;;
    peers) install_packages peers; install_peers; install_agents ;;
    licences) install_cargo_deny ;;
    package) install_packages package; install_packager ;;
    measure) install_packages measure ;;
    fuzz) install_packages fuzz; install_fuzzer ;;
    coverage) install_coverage_tools ;;
    *) say "unknown purpose: $purpose"; exit 2 ;;
    esac
done
