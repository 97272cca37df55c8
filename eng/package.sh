#!/usr/bin/env bash
# Makes what is delivered, in OUT (default artifacts/package):
#
#   eng/package.sh [--short] [OUT]
#
#   publish/              one folder that runs without an SDK and without an installed .NET (self-contained, linux-x64)
#   signet_VERSION_amd64.deb
#   signet_VERSION.spdx.json     bill of materials: every NuGet and npm package with its version (SPDX 2.3)
#   SHA256SUMS
#
# --short: the folder needs an installed ASP.NET Core 10 runtime (framework-dependent): seconds instead of a minute. The .deb made of it says so in its Depends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

short=
[ "${1:-}" = --short ] && { short=1; shift; }
out=$(realpath -m "${1:-artifacts/package}")
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
[ -n "$version" ] || { echo "package: no <Version> in Directory.Build.props" >&2; exit 1; }
command -v dpkg-deb >/dev/null || { echo "package: dpkg-deb is missing: apt-get install dpkg-dev" >&2; exit 1; }

rm -rf "$out"
mkdir -p "$out/publish"
echo "== publish $version"
if [ -n "$short" ]; then
    # What the tests were built from; nothing is compiled again.
    cp -a "${ArtifactsPath:-artifacts}/bin/Signet.Cli/debug/." "$out/publish/"
    depends="aspnetcore-runtime-10.0 | dotnet-runtime-10.0, "
else
    dotnet publish src/Signet.Cli -c Release -r linux-x64 --self-contained true -p:ArtifactsPath="$out/build" \
        -p:UseSharedCompilation=false -nologo -v quiet -o "$out/publish"
    rm -rf "$out/build"
    depends=
fi
find "$out/publish" -name '*.pdb' -delete
# Beside the program, where `signet up --broker mosquitto` looks for it.
if [ -f /usr/include/mosquitto_plugin.h ] && [ -f /usr/include/openssl/x509.h ] && command -v gcc >/dev/null; then
    deploy/mosquitto/build.sh "$out/plugin" >/dev/null
    install -m 644 "$out/plugin/signet_mosquitto.so" "$out/publish/"
    rm -rf "$out/plugin"
else
    echo "package: without Mosquitto's plugin (it needs gcc, mosquitto-dev, libmosquitto-dev, libssl-dev)"
fi

echo "== bill of materials"
eng/sbom "$version" >"$out/signet_$version.spdx.json"

echo "== .deb"
root="$out/deb"
install -d "$root/DEBIAN" "$root/usr/lib/signet" "$root/usr/bin" "$root/lib/systemd/system" "$root/etc/signet" "$root/usr/share/doc/signet"
cp -a "$out/publish/." "$root/usr/lib/signet/"
ln -s ../lib/signet/signet "$root/usr/bin/signet"
install -m 644 deploy/deb/signet.service "$root/lib/systemd/system/signet.service"
install -m 640 deploy/deb/signet.json "$root/etc/signet/signet.json"
install -m 644 LICENSE "$root/usr/share/doc/signet/copyright"
install -m 644 CHANGELOG.md "$out/signet_$version.spdx.json" "$root/usr/share/doc/signet/"
for script in postinst prerm postrm; do install -m 755 "deploy/deb/$script" "$root/DEBIAN/$script"; done
echo /etc/signet/signet.json >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<CONTROL
Package: signet
Version: $version
Architecture: amd64
Maintainer: Signet <signet@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: ${depends}libc6 (>= 2.36), libstdc++6, libssl3, libicu72 | libicu76, libsqlite3-0, passwd
Recommends: ca-certificates
Suggests: postgresql, mosquitto
Section: net
Priority: optional
Description: zero-trust command center for MQTT device fleets
 Certificate authority, MQTT broker over mutual TLS, signed commands and
 receipts, tamper-evident audit log, console and API in one program.
CONTROL
dpkg-deb --root-owner-group -Zgzip -z1 --build "$root" "$out/signet_${version}_amd64.deb" >/dev/null
rm -rf "$root"
(cd "$out" && sha256sum -- *.deb *.json >SHA256SUMS)
ls -l "$out" | sed 1d
