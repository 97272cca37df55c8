#!/bin/bash
# Compares Signet's broker with Mosquitto on this machine: same certificates, same loads, broker on one core, load on the other.
#   MQLOAD=path/to/mqload bench/compare.sh [rounds]
# Needs mosquitto, openssl, taskset, python3 and a load generator with mqload's options. Prints one line a run, then the medians.
set -euo pipefail
rounds=${1:-5}
here=$(cd "$(dirname "$0")/.." && pwd)
load=${MQLOAD:?set MQLOAD to the load generator}
dll=${ArtifactsPath:-$here/artifacts}/bin/Signet.Bench/release/Signet.Bench.dll
[ -f "$dll" ] || dotnet build "$here/bench/Signet.Bench" -c Release -v q -nologo
work=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 2 -subj "/CN=bench root" -out ca.crt -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" 2>/dev/null
for name in broker dev; do
  openssl ecparam -name prime256v1 -genkey -noout -out $name.key
  openssl req -new -key $name.key -subj "/CN=$name" -out $name.csr 2>/dev/null
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nkeyUsage=critical,digitalSignature\n' > ext
  openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $name.crt 2>/dev/null
done
cat > mosquitto.conf <<CONF
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 100000
max_inflight_messages 0
listener 28883 127.0.0.1
cafile $work/ca.crt
certfile $work/broker.crt
keyfile $work/broker.key
require_certificate true
tls_version tlsv1.3
CONF
chmod 755 "$work"; chmod 644 ./*

run() { # broker case port
  local o="--broker-pid $broker --port $3 --tls --ca ca.crt --cert dev.crt --key dev.key --warmup 500 --duration 3"
  case $2 in
    qos1)  o="$o --qos 1 --pubs 50 --subs 50 --payload 64" ;;
    burst) o="$o --qos 0 --pubs 50 --subs 50 --payload 64 --window 20 --batch 20" ;;
    fan)   o="$o --qos 0 --pubs 1 --subs 200 --layout shared --payload 64" ;;
    rtt)   o="$o --qos 1 --pubs 10 --subs 10 --payload 64 --rate 500" ;;
    cpu)   o="$o --qos 1 --pubs 50 --subs 50 --payload 64 --rate 5000" ;;
  esac
  # shellcheck disable=SC2086
  taskset -c 1 "$load" $o | tr -d '\n'
}
for round in $(seq "$rounds"); do
  for who in mosquitto signet; do
    if [ $who = mosquitto ]; then port=28883; taskset -c 0 mosquitto -c mosquitto.conf >/dev/null 2>&1 & else port=38883; taskset -c 0 dotnet "$dll" serve --tls $port --ca ca.crt --cert broker.crt --key broker.key >/dev/null & fi
    broker=$!
    for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.1; done
    run $who qos1 $port >/dev/null # warm up
    for case in qos1 burst fan rtt cpu; do printf '{"broker":"%s","case":"%s","result":%s}\n' $who $case "$(run $who $case $port)" | tee -a results.ndjson; done
    kill $broker; wait $broker 2>/dev/null || true; broker=
  done
done
python3 - <<'PY'
import json, statistics as s
rows = [json.loads(l) for l in open('results.ndjson')]
print('| case | what | mosquitto | signet | signet / mosquitto |\n|---|---|---|---|---|')
for case in ('qos1', 'burst', 'fan', 'rtt', 'cpu'):
    def of(who, get):
        v = [get(r['result']) for r in rows if r['broker'] == who and r['case'] == case]
        return s.median(v), min(v), max(v)
    for what, get in (('deliveries/s', lambda r: r['recv_per_s']), ('broker CPU us a delivery', lambda r: r['broker_cpu_us_per_delivery']), ('p50 us', lambda r: r['latency_us']['p50']), ('p99 us', lambda r: r['latency_us']['p99'])):
        m, g = of('mosquitto', get), of('signet', get)
        print(f'| {case} | {what} | {m[0]:.6g} ({m[1]:.6g}-{m[2]:.6g}) | {g[0]:.6g} ({g[1]:.6g}-{g[2]:.6g}) | {g[0]/m[0]:.2f} |')
    print(f"| {case} | CPU of others, % of a core | {of('mosquitto', lambda r: r['other_cpu_pct'])[0]:.0f} | {of('signet', lambda r: r['other_cpu_pct'])[0]:.0f} | |")
PY
