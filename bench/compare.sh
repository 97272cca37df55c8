#!/bin/bash
# Compares `signet broker run` as shipped with Mosquitto on this machine: same certificates, same loads, broker on one core, load on the other.
#   bench/compare.sh [ROUNDS [CASE...]]       cases: qos1 burst fan rtt cpu plain plainburst connect idle durable; default: all but durable
# MQLOAD=PROGRAM takes another load generator with the same options; without it the one in Signet.Bench is used (durable always uses that one).
# BROKERS="mosquitto signet policy up": who takes part; policy is signet with --policy, a file whose rules match filters of each client's name; up is `signet up` with its own PKI, its
# access policy (the load is a person whom one rule lets in), identity-bound sessions, counters, store and audit log; it has no plain port. BOTH=1: brokers and load on both cores.
# HALF=1: a spinning process shares the broker's core. A rate that halves was the broker's; one that falls less was limited by the load generator.
# Needs mosquitto, openssl, taskset, python3. Prints one line a run, then the medians with least and most.
set -euo pipefail
rounds=${1:-5}; shift || true
cases=${*:-qos1 burst fan rtt cpu plain plainburst connect idle}
here=$(cd "$(dirname "$0")/.." && pwd)
out=${ArtifactsPath:-$here/artifacts}/bin
[ -f "$out/Signet.Bench/release/Signet.Bench.dll" ] || dotnet build "$here/bench/Signet.Bench" -c Release -v q -nologo
[ -f "$out/Signet.Cli/release/signet.dll" ] || dotnet build "$here/src/Signet.Cli" -c Release -v q -nologo
own="dotnet $out/Signet.Bench/release/Signet.Bench.dll load"
load=${MQLOAD:-$own}
signet="dotnet $out/Signet.Cli/release/signet.dll broker run"
program="dotnet $out/Signet.Cli/release/signet.dll"
one="taskset -c 0" two="taskset -c 1"
[ -z "${BOTH:-}" ] || one="" two=""
work=$(mktemp -d)
declare -A pid tls plain keys # of each broker
trap 'for p in "${pid[@]}"; do kill "$p" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT
cd "$work"

. "$here/bench/certificates.sh"
cat > policy.json <<'JSON'
{"format": 1, "version": 1, "rules": [
  {"name": "others", "effect": "deny", "who": {}, "actions": ["publish", "subscribe", "deliver"], "topics": ["private/+/{name}", "$SYS/#"]},
  {"name": "all", "effect": "allow", "who": {"kinds": ["device"]}, "actions": ["publish", "subscribe", "deliver"], "topics": ["#"]}]}
JSON
cat > mosquitto.conf <<CONF
user $(id -un)
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 100000
max_inflight_messages 0
listener PLAIN 127.0.0.1
listener TLS 127.0.0.1
cafile $work/ca.crt
certfile $work/broker.crt
keyfile $work/broker.key
require_certificate true
tls_version tlsv1.3
CONF
(cat mosquitto.conf; printf 'persistence true\npersistence_location %s/\nautosave_interval 1\n' "$work") > mosquitto-durable.conf

run() { # who case
  local o="--broker-pid ${pid[$1]} --warmup 500 --duration ${SECONDS_EACH:-3}" with=$load
  case $2 in plain*) o="$o --port ${plain[$1]}" ;; *) o="$o --port ${tls[$1]} --tls ${keys[$1]:---ca ca.crt --cert dev.crt --key dev.key} --topic load/%d" ;; esac
  case $2 in
    qos1)             o="$o --qos 1 --pubs 50 --subs 50 --payload 64 --window 20" ;;
    burst|plainburst) o="$o --qos 0 --pubs 50 --subs 50 --payload 64 --window 20 --batch 20" ;;
    plain)            o="$o --qos 0 --pubs 50 --subs 50 --payload 64 --window 20" ;;
    fan)              o="$o --qos 0 --pubs 1 --subs 200 --layout shared --payload 64" ;;
    rtt)              o="$o --qos 1 --pubs 10 --subs 10 --payload 64 --rate 500" ;;
    cpu)              o="$o --qos 1 --pubs 50 --subs 50 --payload 64 --rate 5000" ;;
    connect)          o="$o --mode connect --count 2000 --concurrency 8" ;;
    idle)             o="$o --mode idle --count 2000 --hold 2" ;;
    durable)          o="$o --qos 1 --pubs 50 --subs 50 --payload 64 --window 20 --persistent"; with=$own ;;
  esac
  # shellcheck disable=SC2086
  $two $with $o | tr -d '\n'
}
port=${FIRST_PORT:-21880}
start() { # who [durable]
  local more=
  if [ $1 = up ]; then start_up; return; fi
  plain[$1]=$((port++)) tls[$1]=$((port++))
  if [ $1 = mosquitto ]; then
    sed "s/PLAIN/${plain[$1]}/; s/TLS/${tls[$1]}/" mosquitto${2:+-durable}.conf > running.conf; rm -f mosquitto.db
    $one mosquitto -c running.conf >/dev/null 2>&1 &
  else
    [ -z "${2:-}" ] || { rm -rf kept; more="--data kept"; }
    [ $1 != policy ] || more="$more --policy policy.json"
    # shellcheck disable=SC2086
    $one $signet --plain ${plain[$1]} --allow-anonymous --tls ${tls[$1]} --ca ca.crt --cert broker.crt --key broker.key $more >/dev/null &
  fi
  pid[$1]=$!
  for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/${tls[$1]}) 2>/dev/null && break; sleep 0.1; done
}
# Two hundred connections of one person are within the limits of an identity; a device may send 100 messages a second only.
start_up() {
  export SIGNET_DATA=$work/up/data
  rm -rf up; mkdir up
  $program init --json >/dev/null
  $one $program up --json --port-console 0 --port-mqtt 0 --port-pki 0 --port-mqtt-password 0 --port-auth 0 >up/out 2>up/errors &
  pid[up]=$!
  for _ in $(seq 300); do grep -q '"ready"' up/out && break; sleep 0.1; done
  tls[up]=$(sed -n 's/.*mqtts:..localhost:\([0-9]*\).*/\1/p' up/out)
  $program user add bench --role operator >/dev/null
  $program cert issue --profile user --name bench --out up >/dev/null
  $program policy export --out up/policy.json >/dev/null
  python3 - <<'PY'
import json
policy = json.load(open('up/policy.json'))
policy['rules'].insert(0, {'name': 'load', 'effect': 'allow', 'who': {'kinds': ['person'], 'names': ['bench']}, 'actions': ['publish', 'subscribe', 'deliver'], 'topics': ['load/#']})
policy['version'] += 1
json.dump(policy, open('up/policy.json', 'w'))
PY
  $program policy apply up/policy.json --yes >/dev/null
  keys[up]="--ca up/root.crt --cert up/bench.crt --key up/bench.key"
}
stop() { kill "${pid[$1]}"; wait "${pid[$1]}" 2>/dev/null || true; unset "pid[$1]"; }
# .NET compiles what is hot again, and does it beside the load: that is over after some ten seconds of each kind of load. Mosquitto gets the same.
warm() { for case in qos1 cpu cpu cpu rtt qos1; do run "$1" $case >/dev/null; done; }
measure() { printf '{"broker":"%s","case":"%s","result":%s}\n' "$1" "$2" "$(run "$1" "$2")" | tee -a results.ndjson; }

brokers=${BROKERS:-mosquitto signet}
if [ -n "${HALF:-}" ]; then taskset -c 0 sh -c 'while :; do :; done' & pid[spinner]=$!; fi
lasting=$(for case in $cases; do case $case in idle|durable) ;; *) echo $case ;; esac; done)
if [ -n "$lasting" ]; then
  for who in $brokers; do start $who; warm $who; done
  for round in $(seq "$rounds"); do for case in $lasting; do for who in $brokers; do measure $who $case; done; done; done
  for who in $brokers; do stop $who; done
fi
# Memory is counted from a fresh broker, and durable needs other settings.
case " $cases " in *" idle "*) for round in $(seq "$rounds"); do for who in $brokers; do start $who; measure $who idle; stop $who; done; done ;; esac
case " $cases " in *" durable "*) for round in $(seq "$rounds"); do for who in $brokers; do start $who durable; run $who durable >/dev/null; measure $who durable; stop $who; done; done ;; esac
python3 - <<'PY'
import json, statistics as s
rows = [json.loads(l) for l in open('results.ndjson')]
brokers = list(dict.fromkeys(r['broker'] for r in rows))
print('| case | what | ' + ' | '.join(brokers) + ' | ratio to the first |\n|---|---|' + '---|' * len(brokers) + '---|')
kinds = {'connect': [('connects/s', 'connects_per_s'), ('broker CPU us each', 'broker_cpu_us_per_connect')], 'idle': [('resident KB each', 'rss_kb_per_conn')]}
usual = [('deliveries/s', 'recv_per_s'), ('broker CPU us a delivery', 'broker_cpu_us_per_delivery'), ('broker CPU, % of a core', 'broker_cpu_pct'), ('p50 us', 'latency_us.p50'), ('p99 us', 'latency_us.p99')]
def value(r, key):
    for part in key.split('.'): r = r[part]
    return r
for case in dict.fromkeys(r['case'] for r in rows):
    for what, key in kinds.get(case, usual) + [('loader, % of a core', 'loader_cpu_pct'), ('others, % of a core', 'other_cpu_pct')]:
        got = [[value(r['result'], key) for r in rows if r['broker'] == b and r['case'] == case and key.split('.')[0] in r['result']] for b in brokers]
        if not all(got): continue
        m = [s.median(v) for v in got]
        print(f'| {case} | {what} | ' + ' | '.join(f'{s.median(v):.6g} ({min(v):.6g}-{max(v):.6g})' for v in got) + ' | ' + ', '.join(f'{x / m[0]:.2f}' if m[0] else '' for x in m[1:]) + ' |')
    bad = sum(r['result'].get(k, 0) for r in rows if r['case'] == case for k in ('lost', 'gaps', 'dups_or_reorder'))
    if bad: print(f'| {case} | lost, repeated or out of order | {bad} |')
PY
