#!/usr/bin/env bash
# Builds the container image of deploy/container with Podman, runs it as its first lines say, and by the compose file of one node. Needs root. Part of eng/package-check.sh.
#
#   eng/image-check.sh FOLDER BASE WORK
#
#   FOLDER   what eng/package.sh published
#   BASE     a tar of a Debian; stands for the image that the definition is built from, so that no registry is asked
#   WORK     an empty directory for the engine's images and state
#
# Everything of the engine is in namespaces that end with this script: mounts, processes, and (when the image runs) network, so that its ports are nobody else's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$1 base=$2 work=$3 stage=${4:-}
fail() { echo "image-check: $*" >&2; exit 1; }
say() { echo "== image: $*"; }
log=$work/log context=$work/context

if [ -z "$stage" ]; then
    missing=
    for part in podman:podman crun:crun podman-compose:podman-compose iptables:iptables curl:curl openssl:openssl /usr/lib/cni/bridge:containernetworking-plugins; do
        command -v "${part%%:*}" >/dev/null || missing+=" ${part#*:}"
    done
    [ -z "$missing" ] || fail "missing: apt-get install$missing"
    exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc "${BASH_SOURCE[0]}" "$folder" "$base" "$work" build
fi

export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_FORMAT=docker BUILDAH_ISOLATION=chroot
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
# The lines in the head of the definition are what people type.
documented() { sed -n "s/^# *docker $1 //p" deploy/container/Dockerfile; }

if [ "$stage" = build ]; then
    # crun takes control groups of version 2 or 1, not of both at once. None are made here, so an empty hierarchy will do.
    if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup; fi
    for at in /dev/shm /var/lib/cni; do mkdir -p "$at" && mount -t tmpfs tmpfs "$at"; done
    mkdir -p "$work/networks" "$context/artifacts/package/publish"
    # Limits no higher than this machine's own: an engine's are.
    cat >"$CONTAINERS_CONF" <<CONF
[containers]
cgroups = "disabled"
cgroupns = "host"
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "none"
tmp_dir = "$work/state"
[network]
network_config_dir = "$work/networks"
CONF
    cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "overlay"
graphroot = "$work/images"
runroot = "$work/run"
CONF
    from=$(sed -n 's/^FROM //p' deploy/container/Dockerfile)
    [ "$from" = debian:bookworm-slim ] || fail "the base of this check is a bookworm, and the image is from $from"
    podman import "$base" "docker.io/library/$from" >"$log" 2>&1 || { cat "$log" >&2; fail "import of the base"; }
    say "build"
    cp -a .dockerignore deploy "$context/"
    mount --bind "$folder" "$context/artifacts/package/publish"
    # shellcheck disable=SC2046 # words of a command line
    (cd "$context" && podman build $(documented build)) >"$log" 2>&1 || { tail -20 "$log" >&2; fail "podman build"; }
    exec unshare --net "${BASH_SOURCE[0]}" "$folder" "$base" "$work" run
fi

image=localhost/signet
say "layers"
podman save --quiet --format docker-archive -o "$work/image.tar" "$image" 2>"$log" || { cat "$log" >&2; fail "podman save"; }
mkdir "$work/archive" && tar -C "$work/archive" -xf "$work/image.tar" && rm "$work/image.tar"
layers=0
for layer in "$work"/archive/*.tar; do
    layers=$((layers + 1))
    mkdir "$work/layer" && tar -C "$work/layer" --exclude='dev/*' --exclude='./dev/*' -xf "$layer"
    secret=$(find "$work/layer" \( -name '*.key' -o -name '*.p12' -o -name '*.pfx' -o -name 'id_*' -o -name '.npmrc' -o -name '.git' -o -name installation.json -o -name signet-data \) -print -quit)
    [ -z "$secret" ] || fail "a layer holds ${secret#"$work/layer"}"
    secret=$(grep -rIlE -m1 -e '-----BEGIN ([A-Z]+ )*PRIVATE KEY' "$work/layer" | head -1 || true)
    [ -z "$secret" ] || fail "a layer holds a private key: ${secret#"$work/layer"}"
    tool=$(find "$work/layer" \( -path '*/sdk/*' -o -name dotnet -o -name csc.dll -o -name MSBuild.dll -o -name '*.pdb' -o -name gcc -o -name node \) ! -type d -print -quit)
    [ -z "$tool" ] || fail "a layer holds what only builds: ${tool#"$work/layer"}"
    rm -rf "$work/layer"
done
[ "$layers" -ge 4 ] || fail "$layers layers were looked into"
settings=$(podman image inspect --format '{{.Config.User}} {{.Config.StopSignal}} {{json .Config.Env}} {{json .Config.Labels}} {{json .History}}' "$image")
[ "${settings%% \[*}" = "signet SIGTERM" ] || fail "the image's user and signal: ${settings%% \[*}"
grep -qiE 'password|passphrase|secret|token|_key' <<<"$settings" && fail "the image's settings or history speak of a secret: $settings"
rm -rf "$work/archive"

ip link set lo up
[ "$(podman run --rm --network none --no-healthcheck "$image" --version)" = "$version" ] || fail "signet --version in the container"

# NAME: waits until the image's own health check finds the center well.
well() {
    for _ in $(seq 100); do
        podman healthcheck run "$1" >/dev/null 2>&1 && return
        sleep 0.3
    done
    podman logs "$1" >&2
    fail "$1 does not become healthy"
}
# NAME: the stop that an engine makes; 137 would say that it had to be killed.
stopped() {
    podman stop -t 20 "$1" >"$log" 2>&1
    [ "$(podman inspect --format '{{.State.ExitCode}}' "$1")" = 0 ] || { podman logs "$1" >&2; fail "$1 did not stop cleanly"; }
}
# NAME: on this network's loopback, as published.
answers() {
    podman exec "$1" cat /var/lib/signet/data/pki/root.crt >"$work/root.crt"
    [ "$(curl -sS --cacert "$work/root.crt" https://localhost:8443/healthz/ready)" = '{"status":"ready"}' ] || fail "$1 is not ready on 8443"
    curl -sSf -o "$work/crl" http://localhost:8080/crl/intermediate.crl || fail "$1 gives no list of revoked certificates on 8080"
    # It shows no certificate, so the broker sends it away, sooner or later than it ends by itself: its exit code says nothing.
    openssl s_client -connect localhost:8883 -servername localhost -CAfile "$work/root.crt" -verify_return_error -brief </dev/null >"$work/tls" 2>&1 || true
    grep -q 'Verification: OK' "$work/tls" || { cat "$work/tls" >&2; fail "$1 is no broker on 8883"; }
}
# NAME: the process is the image's user, and keys are its alone.
unprivileged() {
    [ "$(podman exec "$1" sed -n 's/^Uid:\t//p' /proc/1/status)" = $'10001\t10001\t10001\t10001' ] || fail "$1 does not run as its user"
    [ -z "$(podman exec "$1" find /var/lib/signet/data -name '*.key' ! -perm 600)" ] || fail "a key of $1 is readable by others"
    [ "$(podman exec "$1" find /var/lib/signet/data -name '*.key' | wc -l)" -ge 5 ] || fail "$1 has no keys"
    podman exec "$1" touch /usr/lib/signet/x 2>/dev/null && fail "$1 can write to its own program"
    true
}
start() {
    # shellcheck disable=SC2046 # words of a command line
    podman run -d --name signet --health-interval disable $(documented run) >"$log" 2>&1 || { cat "$log" >&2; fail "podman run"; }
    well signet
}

say "run as the definition says"
start
answers signet
unprivileged signet
stopped signet
podman rm signet >"$log" 2>&1
say "another container takes over its volume, is killed, and a third one"
start
podman kill -s KILL signet >"$log" 2>&1
podman rm signet >"$log" 2>&1
start
answers signet
stopped signet
podman rm signet >"$log" 2>&1
podman run --rm --network none --no-healthcheck -v signet:/var/lib/signet "$image" audit verify --offline >"$log" 2>&1 || { cat "$log" >&2; fail "the audit log in the volume"; }

compose() { podman-compose --podman-run-args='--health-interval disable' "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "podman-compose $*"; }; }
say "compose: one node"
compose -f "$context/deploy/compose/single-node.yml" up -d
well compose_signet_1
answers compose_signet_1
unprivileged compose_signet_1
[ "$(podman exec compose_signet_1 sed -n 's/^\(CapBnd\|NoNewPrivs\):\t//p' /proc/1/status | xargs)" = "0000000000000000 1" ] || fail "the node keeps capabilities"
stopped compose_signet_1
compose -f "$context/deploy/compose/single-node.yml" down
say "done: $layers layers, $(($(podman image inspect --format '{{.Size}}' "$image") / 1000000)) MB with the base of this check"
