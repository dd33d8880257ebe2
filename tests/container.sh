#!/usr/bin/env bash
# Builds the container image with podman and runs it as docs/guide/install.md says, on an interface in a network namespace of its own: it must
# alert on a write that nobody permitted, be healthy, end when asked to, and go on where it was.
# Skipped where podman, the base images or root are missing: it fetches no image.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'container: %s\n' "$*" >&2; exit 1; }
skip() { printf 'container: skipped: %s\n' "$*"; exit 0; }

containerfile=sensor/daemon/package/Containerfile
[ "$(id -u)" = 0 ] || skip "it takes root to make network namespaces"
command -v podman >/dev/null || skip "there is no podman here"
for image in $(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$containerfile"); do
    podman image exists "$image" || skip "the image $image is not here; podman pull $image fetches it"
done

name=tagout-test-$$
work=$(mktemp -d)
writer=
clean_up() {
    kill $writer || true
    podman rm --force --volumes "$name" || true
    podman volume rm --force "$name" || true
    podman rmi "$name" || true
    ip netns del "$name-plant" || true
    ip netns del "$name" || true
    rm -rf "$work"
}
trap 'clean_up >/dev/null 2>&1' EXIT

podman build --quiet --format docker -f "$containerfile" -t "$name" . >/dev/null

# A plant with a mirror port, behind which the sensor has no address.
ip netns add "$name"
ip netns add "$name-plant"
ip -n "$name" link set lo up
ip -n "$name" link add eth1 type veth peer name wire netns "$name-plant"
ip netns exec "$name" sysctl -q net.ipv6.conf.eth1.disable_ipv6=1
ip -n "$name" link set eth1 up
ip -n "$name-plant" link set wire up
ip -n "$name-plant" address add 192.0.2.1/24 dev wire
ip -n "$name-plant" neighbour add 192.0.2.10 lladdr 02:00:00:00:00:10 nud permanent dev wire

cat > "$work/tagout.toml" <<'END'
capture.interface = "eth1"
policy.files = ["policy.toml"]
output.alerts = "/var/lib/tagout/alerts.jsonl"
spool.directory = "/var/lib/tagout/spool"
evidence.directory = "/var/lib/tagout/evidence"
store.path = "/var/lib/tagout/store/tagout.redb"
management.listen = "127.0.0.1:9465"
sandbox.mode = "required"
[[destination]]
name = "log"
stdout = {}
END
printf '[devices.plc]\nip = "192.0.2.10"\nunit = 1\n' > "$work/policy.toml"
chmod -R a+rX "$work"
options=(--cap-drop ALL --cap-add NET_RAW --read-only --network "ns:/run/netns/$name")
options+=(--volume "$work:/etc/tagout:ro" --volume "$name:/var/lib/tagout")

# Writes a register over and over: Modbus over UDP is one datagram.
ip netns exec "$name-plant" bash -c "while sleep 0.2; do printf '\\0\\1\\0\\0\\0\\6\\1\\6\\0\\1\\0\\7' > /dev/udp/192.0.2.10/502; done" &
writer=$!

alerts() { podman logs "$name" 2>/dev/null | grep -c '"event_type":"alert"' || true; }

await_more_alerts_than() {
    for _ in $(seq 50); do
        [ "$(alerts)" -le "$1" ] || return 0
        sleep 0.2
    done
    podman logs "$name" >&2
    fail "nobody was told of a write that nobody permitted"
}

podman run --rm "${options[@]}" "$name" --version
said=$(podman run --rm "${options[@]}" "$name" doctor --listen 1) || fail "the doctor finds: $said"

podman run --detach --name "$name" "${options[@]}" "$name" >/dev/null
await_more_alerts_than 0
podman healthcheck run "$name" || fail "it is not healthy"
podman stop --time 10 "$name" >/dev/null
[ "$(podman inspect --format '{{.State.ExitCode}}' "$name")" = 0 ] || fail "it does not end when asked to"
before=$(alerts)
podman start "$name" >/dev/null
await_more_alerts_than "$before"
echo "container: built, alerted, healthy, ended and started again"
