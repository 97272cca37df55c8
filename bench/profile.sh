#!/bin/bash
# Where the broker's time goes under load over mutual TLS: samples by kind of code. Needs perf (Debian: linux-perf) and the right to use it.
#   bench/profile.sh [CASE...]       qos1 burst slow durable; default: all but durable, which takes the load generator of Signet.Bench. With FULL=1 the functions too.
set -euo pipefail
cases=${*:-qos1 burst slow}
here=$(cd "$(dirname "$0")/.." && pwd)
out=${ArtifactsPath:-$here/artifacts}/bin
own="dotnet $out/Signet.Bench/release/Signet.Bench.dll load"
load=${MQLOAD:-$own}
work=$(mktemp -d); broker=
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
. "$here/bench/certificates.sh"
port=${FIRST_PORT:-21995}
# Both variables are for perf alone: a map of compiled methods, and their code under its own name. They cost something when a method is compiled and nothing afterwards.
DOTNET_PerfMapEnabled=1 DOTNET_EnableWriteXorExecute=0 taskset -c 0 dotnet "$out/Signet.Cli/release/signet.dll" broker run --tls $port --ca ca.crt --cert broker.crt --key broker.key $(case " $cases " in *" durable "*) echo "--data kept" ;; esac) >/dev/null & broker=$!
for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.1; done
options() {
  case $1 in
    qos1) echo "--qos 1 --pubs 50 --subs 50 --payload 64 --window 20" ;;
    burst) echo "--qos 0 --pubs 50 --subs 50 --payload 64 --window 20 --batch 20" ;;
    durable) echo "--qos 1 --pubs 50 --subs 50 --payload 64 --window 20 --persistent" ;;
    slow) echo "--qos 1 --pubs 50 --subs 50 --payload 64 --rate 5000" ;;
  esac
}
run() { if [ "$2" = durable ]; then local load=$own; fi; taskset -c 1 $load --port $port --tls --ca ca.crt --cert dev.crt --key dev.key --broker-pid $broker --warmup 300 --duration "$1" $(options "$2") >/dev/null; }
for case in $cases; do
  for _ in 1 2 3 4 5; do run 4 "$case"; done # compiled again until then
  run 7 "$case" & loader=$!
  sleep 1.5
  perf record -q -F 1999 -g -e cpu-clock -p $broker -o samples.data -- sleep 4 2>/dev/null
  wait $loader
  perf script -i samples.data -F ip,sym,dso 2>/dev/null > samples.txt
  python3 - "$case" "${FULL:-}" <<'PY'
import collections, re, sys
kinds = [('kernel: TCP, epoll, system calls', r'\[kernel|\[unknown\]$'), ('libcrypto, libssl', r'libcrypto|libssl|OpenSsl\.so|Security\.Cryptography\.Native'), ('compiling again (the JIT, not part of steady work)', r'libclrjit'), ('runtime (coreclr, GC, libc)', r'libcoreclr|libclrgc|libc\.so|libSystem\.Native|ld-linux|libstdc')]
count, functions = collections.Counter(), collections.Counter()
for sample in open('samples.txt').read().split('\n\n'):
    lines = [line.strip() for line in sample.splitlines() if line.strip()]
    if not lines: continue
    found = re.match(r'[0-9a-f]+\s+(.*)\s+\((.*)\)$', lines[0])
    if not found: continue
    name, dso = found.groups()
    for kind, pattern in kinds:
        if re.search(pattern, dso): break
    else:
        kind = ('the broker' if '[Signet' in name or 'Signet.' in name else 'SslStream' if 'System.Net.Security' in name or 'Ssl' in name else 'sockets' if 'System.Net.Sockets' in name else 'other .NET')
    count[kind] += 1; functions[(kind, name[:90] if name != "[unknown]" else dso[-40:])] += 1
total = sum(count.values())
print(f'| {sys.argv[1]} ({total:,} samples) | % |\n|---|---|')
for kind, n in count.most_common(): print(f'| {kind} | {100 * n / total:.0f} |')
if sys.argv[2]:
    for (kind, name), n in functions.most_common(25): print(f'  {100 * n / total:5.1f} {kind}: {name}')
PY
done
