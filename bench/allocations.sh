#!/bin/bash
# Bytes the broker allocates a message under real load over mutual TLS: two runs of different length on the same number of connections, the difference between them.
#   bench/allocations.sh [SHORT LONG]       seconds of load; default 3 9. Needs MQLOAD (a load generator) or takes the one in Signet.Bench.
set -euo pipefail
short=${1:-3} long=${2:-9}
here=$(cd "$(dirname "$0")/.." && pwd)
out=${ArtifactsPath:-$here/artifacts}/bin
load=${MQLOAD:-dotnet $out/Signet.Bench/release/Signet.Bench.dll load}
work=$(mktemp -d); broker=
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
. "$here/bench/certificates.sh"
port=${FIRST_PORT:-21990}
once() { # seconds options: leaves stats.json
  port=$((port + 1))
  taskset -c 0 dotnet "$out/Signet.Cli/release/signet.dll" broker run --tls $port --ca ca.crt --cert broker.crt --key broker.key --stats-json stats.json >/dev/null & broker=$!
  for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.1; done
  # shellcheck disable=SC2086
  taskset -c 1 $load --port $port --tls --ca ca.crt --cert dev.crt --key dev.key --broker-pid $broker --warmup 500 --duration "$1" ${*:2} >/dev/null
  kill $broker; wait $broker || true; broker=
}
echo "| case | messages out | bytes allocated a message |"
echo "|---|---|---|"
for case in "qos1 --qos 1 --pubs 50 --subs 50 --payload 64 --window 20" "burst --qos 0 --pubs 50 --subs 50 --payload 64 --window 20 --batch 20" "fan --qos 0 --pubs 1 --subs 200 --layout shared --payload 64" "slow --qos 1 --pubs 50 --subs 50 --payload 64 --rate 5000"; do
  # shellcheck disable=SC2086
  once "$short" ${case#* }; mv stats.json short.json
  # shellcheck disable=SC2086
  once "$long" ${case#* }
  python3 - "${case%% *}" <<'PY'
import json, sys
a, b = json.load(open('short.json')), json.load(open('stats.json'))
count = b['messagesOut'] - a['messagesOut']
print(f"| {sys.argv[1]} | {count:,} | {(b['allocatedBytes'] - a['allocatedBytes']) / count:.2f} |")
PY
done
