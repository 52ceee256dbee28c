#!/usr/bin/env bash
# Runs every fuzz target for some seconds each with `cargo fuzz`, or the targets that are named:
#   scripts/fuzz.sh [--seconds N] [TARGET…]
# The kept corpus is only read; what is found new goes to target/fuzz. libFuzzer wants flags of the compiler that are
# not for everybody yet, so the stable one is told that it may have them.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

seconds=60
if [ "${1-}" = --seconds ]; then
  seconds=${2:?'fuzz: how many seconds?'}
  shift 2
fi
command -v cargo-fuzz >/dev/null 2>&1 || {
  printf 'fuzz: cargo-fuzz is not installed: cargo install cargo-fuzz\n' >&2
  exit 2
}
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  mapfile -t targets < <(basename -s .rs -- fuzz/fuzz_targets/*.rs)
fi
export RUSTC_BOOTSTRAP=1
# The same versions of everything as elsewhere.
[ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
for target in "${targets[@]}"; do
  found=target/fuzz/$target
  mkdir -p "$found"
  cargo fuzz run "$target" "$found" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
