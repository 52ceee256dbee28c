#!/usr/bin/env bash
# Sets up what is missing and runs every check; stops at the first that fails, and lists at the end
# what could not be checked on this machine.
set -euo pipefail
export LC_NUMERIC=C

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

skipped=()
current=
begin=0

# A test that cannot run on this machine adds a line with its name and the reason to this file.
REEL_SKIPPED_TESTS=$(mktemp)
export REEL_SKIPPED_TESTS
finish() {
  local code=$?
  rm -f -- "$REEL_SKIPPED_TESTS"
  [ "$code" -eq 0 ] || printf '\ntest: `%s` failed\n' "$current" >&2
}
trap finish EXIT

check() {
  current=$1
  shift
  printf '\n== %s: %s\n' "$current" "$*"
  begin=${EPOCHREALTIME/./}
  "$@"
  local took=$((${EPOCHREALTIME/./} - begin))
  printf '== %s: ok, %d.%d s\n' "$current" $((took / 1000000)) $((took / 100000 % 10))
}

skip() {
  skipped+=("$1")
}

has() {
  command -v "$1" >/dev/null 2>&1
}

check setup scripts/setup.sh --tests
check format cargo fmt --all --check
check lints cargo clippy --workspace --all-targets --locked -- -D warnings
# The programs that tests of the whole path start.
check programs cargo build --workspace --bins --locked

if has cargo-nextest; then
  check tests cargo nextest run --workspace --locked --no-tests pass
  check 'doc tests' cargo test --workspace --doc --locked --quiet
else
  check tests cargo test --workspace --locked --quiet
fi

check scripts scripts/check-scripts.sh
check hosts scripts/check-ci.sh --install
check dependencies scripts/check-dependencies.sh
if has cargo-fuzz; then
  check fuzz scripts/fuzz.sh --seconds 60
else
  skip 'fuzz targets, a minute each: cargo-fuzz is not installed'
fi
if has cargo-deny; then
  check licences cargo deny --locked check --hide-inclusion-graph bans licenses sources
else
  skip 'licences, bans and sources: cargo-deny is not installed'
fi
if has shellcheck; then
  check shell shellcheck scripts/*.sh ci/*.sh .ci/run
else
  skip 'the style of shell scripts: shellcheck is not installed'
fi

while IFS= read -r line; do
  skip "$line"
done < <(sort -u -- "$REEL_SKIPPED_TESTS")

printf '\nEverything that could be checked here is right. Skipped: %d\n' "${#skipped[@]}"
if [ "${#skipped[@]}" -gt 0 ]; then
  printf '  - %s\n' "${skipped[@]}"
fi
