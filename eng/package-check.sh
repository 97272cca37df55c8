#!/usr/bin/env bash
# Installs, starts, upgrades, removes and purges the .deb in a chroot; the long form then builds the container image and runs it (eng/image-check.sh). Needs root.
#
#   eng/package-check.sh --short     the chroot is this machine under an overlay (seconds); the folder is framework-dependent
#   eng/package-check.sh             the chroot is a fresh Debian made by debootstrap, without .NET (minutes); packages come from the mirror of this machine's apt
#
# SIGNET_PACKAGE=DIR: what eng/package.sh made there is taken instead of making it anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
short=${1:-}
work=$(mktemp -d /tmp/signet-deb-XXXXXX)
root=$work/root
pid=
end() {
    # shellcheck disable=SC2046 # the shell and the program below it
    [ -n "$pid" ] && kill -TERM $(pgrep -P "$pid" -x signet) "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    for at in "$root/proc" "$root/dev" "$root" "$work/disk"; do mountpoint -q "$at" && umount -l "$at"; done
    rm -rf --one-file-system "$work"
}
trap end EXIT
say() { echo "== $*"; }
fail() { echo "package-check: $*" >&2; exit 1; }

version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
made=${SIGNET_PACKAGE:-$work/package}
[ -n "${SIGNET_PACKAGE:-}" ] || eng/package.sh ${short:+--short} "$made" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the package could not be made"; }
old=$made/signet_${version}_amd64.deb
# The next version: the same program under a higher number.
dpkg-deb -R "$old" "$work/next"
sed -i "s/^Version: .*/Version: $version+1/" "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$work/next" "$work/next.deb" >/dev/null
rm -rf "$work/next"

mkdir -p "$root" "$work/disk"
if [ -n "$short" ]; then
    mount -t tmpfs tmpfs "$work/disk"
    mkdir "$work/disk/upper" "$work/disk/work"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/disk/upper,workdir=$work/disk/work" "$root"
    force=--force-depends   # .NET is here, but not as a Debian package
else
    say "debootstrap"
    # The first binary source of bookworm itself, as apt has it.
    mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(CREATED_BY)' 2>/dev/null | awk '$2 == "bookworm" && $3 == "Packages" { print $1; exit }')
    mirror=${mirror:-http://deb.debian.org/debian}
    command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; fail "debootstrap"; }
    # What the image is built from, before anything of ours is in it.
    rm -f "$root"/var/cache/apt/archives/*.deb
    tar -C "$root" --numeric-owner -cf "$work/base.tar" .
    # debootstrap leaves these to Debian's installer.
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    force=
fi
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mkdir -p "$root/tmp/package"
cp "$old" "$root/tmp/package/old.deb"
cp "$work/next.deb" "$root/tmp/package/next.deb"
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_signet() { in_root setpriv --reuid=signet --regid=signet --clear-groups env SIGNET_DATA=/var/lib/signet/data "$@"; }

start() {
    as_signet /usr/bin/signet up --json --config /etc/signet/signet.json --port-console 0 --port-mqtt 0 --port-pki 0 --port-mqtt-password 0 --port-auth 0 >"$work/up" 2>"$work/up.err" &
    pid=$!
    for _ in $(seq 300); do
        grep -q '"event":"ready"' "$work/up" && break
        kill -0 "$pid" 2>/dev/null || { cat "$work/up.err" >&2; fail "signet up ended"; }
        sleep 0.2
    done
    as_signet /usr/bin/signet status >/dev/null || fail "signet status after the start"
}
stop() {
    local child
    child=$(pgrep -P "$pid" -x signet || echo "$pid")
    kill -TERM $child
    wait "$pid" || fail "signet did not stop cleanly"
    pid=
}

say "install $version"
if [ -n "$short" ]; then
    in_root dpkg $force -i /tmp/package/old.deb >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "dpkg -i"; }
else
    # With what it depends on, and not a package more.
    in_root sh -ec 'apt-get update; apt-get install -y --no-install-recommends /tmp/package/old.deb' >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; fail "apt-get install"; }
fi
[ "$(in_root signet --version)" = "$version" ] || fail "signet --version says $(in_root signet --version)"
[ "$(in_root stat -c '%U %a' /var/lib/signet)" = "signet 700" ] || fail "/var/lib/signet is not the service's alone"
if [ -z "$short" ]; then
    say "the folder alone, without SDK, without DOTNET_ROOT"
    if in_root sh -c 'command -v dotnet || test -d /usr/share/dotnet || test -n "${DOTNET_ROOT:-}"'; then fail "the chroot has a .NET of its own"; fi
    cp -a "$made/publish" "$root/tmp/folder"
    [ "$(in_root /tmp/folder/signet --version)" = "$version" ] || fail "the folder does not run by itself"
    in_root env SIGNET_DATA=/tmp/folder-data /tmp/folder/signet init >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "signet init from the folder"; }
    rm -rf "$root/tmp/folder" "$root/tmp/folder-data"
fi
say "start"
start
stop
entries=$(as_signet signet audit verify --offline --json | sed 's/.*"entries":\([0-9]*\).*/\1/')
say "upgrade to $version+1, with $entries entries"
echo '{ "listen": "127.0.0.1", "log": { "level": "error" } }' >"$root/etc/signet/signet.json"
in_root dpkg $force --force-confold -i /tmp/package/next.deb >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "upgrade"; }
grep -q error "$root/etc/signet/signet.json" || fail "the upgrade replaced the administrator's settings"
start
stop
after=$(as_signet signet audit verify --offline --json | sed 's/.*"entries":\([0-9]*\).*/\1/')
[ "$after" -gt "$entries" ] || fail "entries were lost: $entries, then $after"
say "remove and purge"
in_root dpkg -r signet >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "dpkg -r"; }
[ ! -e "$root/usr/bin/signet" ] || fail "/usr/bin/signet is left"
in_root dpkg -P signet >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "dpkg -P"; }
[ ! -e "$root/etc/signet" ] || fail "/etc/signet is left after purge"
[ -e "$root/var/lib/signet/data/audit/audit.db" ] || fail "purge removed the owner's data"
if [ -z "$short" ]; then
    mkdir "$work/engine"
    eng/image-check.sh "$made/publish" "$work/base.tar" "$work/engine" || fail "the container image"
fi
say "done: $after entries, all intact; the data were kept"
