#!/usr/bin/env bash
# Every test of Signet, with every real part it needs. The last line is `N passed, N failed, N skipped`.
#
#   ./test.sh                 everything (short forms of the long campaigns)
#   ./test.sh Wire House      only the test projects of these names
#   SIGNET_FULL=1 ./test.sh   the long forms (what ./dev check --full runs)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/prerequisites.sh

require_peers || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

for peers in tests/peers tests/peers/oidc; do
    (cd "$peers" && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }) || { echo "The peers of the tests could not be installed (npm ci in $peers)."; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
done

echo "== build"
if ! dotnet build Signet.slnx -nologo -v quiet; then
    echo "The build failed."
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

out="${ArtifactsPath:-$PWD/artifacts}"
results="$out/test-results"
rm -rf "$results" && mkdir -p "$results"
passed=0 failed=0 skipped=0
add() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }

# The rooms first (fast, tell most), the house and the browser last.
projects=(Wire.Tests Pki.Tests Access.Tests Proof.Tests Store.Tests Audit.Tests Mqtt.Tests Agent.Tests Control.Tests Lab.Tests Fuzz House.Tests Browser.Tests)
if [ $# -gt 0 ]; then
    projects=()
    for name in "$@"; do
        [ -d "tests/Signet.$name" ] && projects+=("$name") || projects+=("$name.Tests")
    done
fi

run() {   # PROJECT NAME-OF-THE-RUN [ARGUMENT OF THE RUNNER ...]
    local project=$1 name=$2 started=$SECONDS code p f s counts
    shift 2
    local dll="$out/bin/Signet.$project/debug/Signet.$project.dll" report="$results/$name.json"
    echo "== $name"
    dotnet "$dll" -noLogo -noColor "$@" -ctrf "$report" >"$results/$name.log" 2>&1
    code=$?
    if counts=$(eng/test-counts "$report" 2>/dev/null); then
        # shellcheck disable=SC2086 # three numbers
        add $counts
        read -r p f s <<<"$counts"
        echo "   $p passed, $f failed, $s skipped in $((SECONDS - started)) s"
        [ "$f" -eq 0 ] && [ "$code" -ne 0 ] && { add 0 1 0; echo "   the runner ended with $code: see $results/$name.log"; }
        [ "$((p + f))" -eq 0 ] && { add 0 1 0; echo "   no test ran"; }
    else
        add 0 1 0
        echo "   the runner ended with $code and left no report"
    fi
    [ "$code" -ne 0 ] && grep -vE '^\s*$' "$results/$name.log" | tail -n 60
}

for project in "${projects[@]}"; do
    run "$project" "$project"
    # The rooms that keep rows: the same suite over PostgreSQL, without what looks at SQLite's files.
    case "$project" in
        Store.Tests | Audit.Tests | Control.Tests) SIGNET_TEST_DATABASE=postgres run "$project" "$project, PostgreSQL" -trait- database=sqlite ;;
    esac
done

echo
# A skip would hide a missing part: it counts against the run.
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ] && [ "$passed" -gt 0 ]
