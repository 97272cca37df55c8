# shellcheck shell=bash
# What the tests start for real. Sourced by test.sh and dev.

# command -> Debian package
peers=(
    "mosquitto:mosquitto" "mosquitto_pub:mosquitto-clients" "openssl:openssl" "chromium:chromium" "sqlite3:sqlite3" "curl:curl" "rsvg-convert:librsvg2-bin" "/usr/bin/python3:python3"
    "rabbitmq-server:rabbitmq-server" "gcc:gcc" "systemd-analyze:systemd" "oathtool:oathtool" "nginx:nginx" "softhsm2-util:softhsm2" "pkcs11-tool:opensc" "strace:strace" "ip:iproute2" "hostname:hostname" "unshare:util-linux"
)
# Debian package -> a file that it brings
peer_files=(
    "python3-yaml:/usr/lib/python3/dist-packages/yaml/__init__.py"
    "mosquitto-dev:/usr/include/mosquitto_plugin.h"
    "libmosquitto-dev:/usr/include/mosquitto.h"
    "libssl-dev:/usr/include/openssl/x509.h"
    "libc6-dev:/usr/include/stdlib.h"
    "libnginx-mod-stream:/usr/lib/nginx/modules/ngx_stream_module.so"
    "python3-paho-mqtt:/usr/lib/python3/dist-packages/paho/mqtt/client.py"
    "python3-jwcrypto:/usr/lib/python3/dist-packages/jwcrypto/jws.py"
    "libengine-pkcs11-openssl:/usr/lib/$(uname -m)-linux-gnu/engines-3/pkcs11.so"
    "python3-yaml:/usr/lib/python3/dist-packages/yaml/__init__.py"
    "postgresql-15:/usr/lib/postgresql/15/bin/initdb"
    "python3-cryptography:/usr/lib/python3/dist-packages/cryptography/__init__.py"
)

# The long forms also make a Debian and run the container image.
if [ "${SIGNET_FULL:-}" = 1 ]; then
    peers+=("debootstrap:debootstrap" "podman:podman" "crun:crun" "podman-compose:podman-compose" "iptables:iptables")
    peer_files+=("containernetworking-plugins:/usr/lib/cni/bridge")
fi

missing_peers() {
    local entry
    for entry in "${peers[@]}"; do
        # mosquitto lives in /usr/sbin, which is not on every user's path
        PATH="$PATH:/usr/sbin" command -v "${entry%%:*}" >/dev/null || echo "${entry#*:}"
    done
    for entry in "${peer_files[@]}"; do
        [ -f "${entry#*:}" ] || echo "${entry%%:*}"
    done
}

# Installs what is missing where it may (root with apt); otherwise says which packages to install, and fails.
require_peers() {
    local missing
    command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing (dotnet)."; return 1; }
    command -v npm >/dev/null || { echo "Node.js 20 or newer is missing (npm)."; return 1; }
    missing=$(missing_peers | sort -u | tr '\n' ' ')
    if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing $missing"
        # shellcheck disable=SC2086 # a list of packages
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >/dev/null 2>&1
        missing=$(missing_peers | sort -u | tr '\n' ' ')
    fi
    [ -z "$missing" ] && return 0
    echo "These Debian packages are needed by the tests and could not be installed here: $missing"
    echo "Install them (apt-get install $missing) and run this again."
    return 1
}
