#!/usr/bin/env bash
# Data made by an earlier version, opened by this one: the whole way, with keys, devices and commands.
#
#   eng/upgrade-check.sh [COMMIT]     COMMIT: the last tag, or the oldest state with data when there is none yet
#
# Builds the old version in a worktree of its own (some minutes), lets it work, and starts the present build (Signet.Cli, debug) on what it left: nothing may be lost,
# the old devices come back, the log verifies. Then the old version is started on the new data: it has to refuse them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
new=$PWD/${ArtifactsPath:-artifacts}/bin/Signet.Cli/debug/signet.dll
old_commit=${1:-$(git describe --tags --abbrev=0 2>/dev/null || echo c4f6c94)}
work=$(mktemp -d /tmp/signet-upgrade-XXXXXX)
pid=
end() {
    [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    git worktree remove --force "$work/source" 2>/dev/null
    rm -rf "$work"
}
trap end EXIT
say() { echo "== $*"; }
fail() { echo "upgrade-check: $*" >&2; exit 1; }
[ -e "$new" ] || fail "$new is missing: build Signet.slnx first"
git rev-parse --quiet --verify "$old_commit^{commit}" >/dev/null || fail "$old_commit is not in this clone: git fetch --unshallow --tags"

export SIGNET_DATA=$work/data
up() {   # DLL; the flags that every version knows
    : >"$work/up"
    dotnet "$1" up --demo --json --port-console 0 --port-mqtt 0 --port-pki 0 >"$work/up" 2>"$work/up.err" &
    pid=$!
    for _ in $(seq 300); do
        grep -q '"event":"ready"' "$work/up" && return 0
        kill -0 "$pid" 2>/dev/null || { wait "$pid" || true; pid=; return 1; }
        sleep 0.2
    done
    return 1
}
down() { kill -TERM "$pid"; wait "$pid" || fail "it did not stop cleanly: $(cat "$work/up.err")"; pid=; }
entries() { dotnet "$1" audit verify --offline --json | sed 's/.*"entries": *\([0-9]*\).*/\1/'; }

say "build $(git log -1 --format='%h of %cs' "$old_commit")"
git worktree add --quiet --detach "$work/source" "$old_commit"
(cd "$work/source" && dotnet build src/Signet.Cli -nologo -v quiet) >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "the old version does not build"; }
old=$work/source/artifacts/bin/Signet.Cli/debug/signet.dll

say "data by $(dotnet "$old" --version)"
up "$old" || fail "the old version did not start: $(cat "$work/up.err")"
id=$(dotnet "$old" command send thermostat-1 check-status --wait --json | sed 's/.*"id": *"\([^"]*\)".*/\1/') || fail "the old version executed nothing"
dotnet "$old" receipt export "$id" --out "$work/receipt.json" >/dev/null
down
before=$(entries "$old")

say "opened by $(dotnet "$new" --version), with $before entries"
dotnet "$new" migrate --preview
# Doors that the old version did not have.
export SIGNET__Ports__MqttPassword=0 SIGNET__Ports__Auth=0
up "$new" || fail "the new version did not start: $(cat "$work/up.err")"
[ "$(dotnet "$new" device list --json | grep -o '"name":"[a-z]*-1"' | sort -u | wc -l)" = 3 ] || fail "devices are missing: $(dotnet "$new" device list)"
dotnet "$new" command show "$id" --json | grep -q '"state": *"executed"' || fail "the old command is not what it was"
dotnet "$new" command send thermostat-1 check-status --wait >/dev/null || fail "an old device does not obey the new center"
dotnet "$new" receipt verify "$work/receipt.json" --trust "$SIGNET_DATA/pki/root.crt" >/dev/null || fail "the old receipt does not verify"
dotnet "$new" audit verify >/dev/null || fail "the log does not verify"
down
after=$(entries "$new")
[ "$after" -gt "$before" ] || fail "entries were lost: $before, then $after"

say "the old version on the new data"
unset SIGNET__Ports__MqttPassword SIGNET__Ports__Auth
if up "$old"; then fail "the old version started on a newer schema"; fi
grep -qi "newer" "$work/up.err" || fail "the old version did not say why: $(cat "$work/up.err")"
sed 's/^/   /' "$work/up.err"
say "done: $before entries, then $after, all intact; the old command, its receipt and three devices are there"
