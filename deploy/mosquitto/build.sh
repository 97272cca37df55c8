#!/usr/bin/env bash
# Builds Signet's plugin for Mosquitto:  deploy/mosquitto/build.sh [DIR]   (default: the folder this script lies in)
# Needs the Debian packages gcc, libc6-dev, mosquitto-dev, libmosquitto-dev and libssl-dev; makes signet_mosquitto.so and, for tests, signet-ask.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here}
mkdir -p "$out"
flags=(-std=c11 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Werror -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fvisibility=hidden)
beside=$(mktemp -d "$out/.making.XXXXXX")
trap 'rm -rf "$beside"' EXIT
# Visible: what Mosquitto looks for, and nothing else. Its own functions are found in the program that loads this.
printf '{ global: mosquitto_plugin_version; mosquitto_plugin_init; mosquitto_plugin_cleanup; local: *; };\n' >"$beside/exports"
gcc "${flags[@]}" -fvisibility=default -fPIC -shared -Wl,-z,relro,-z,now -Wl,--version-script="$beside/exports" -o "$beside/signet_mosquitto.so" "$here/plugin.c" "$here/rules.c" -lcrypto
gcc "${flags[@]}" -o "$beside/signet-ask" "$here/ask.c" "$here/rules.c"
mv "$beside/signet_mosquitto.so" "$beside/signet-ask" "$out/"
echo "$out/signet_mosquitto.so"
