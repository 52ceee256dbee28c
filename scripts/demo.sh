#!/usr/bin/env bash
# Sets up what is missing, builds reel, renders examples/eclipse, and says where the film is and how
# long each stage took.
set -euo pipefail
export LC_NUMERIC=C

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
example=$root/examples/eclipse
times=()

# Notes the time from `begin` (microseconds) to now under a name.
note() {
  local took=$((${EPOCHREALTIME/./} - begin))
  times+=("$(printf '  %-7s %5d.%d s' "$1" $((took / 1000000)) $((took / 100000 % 10)))")
}

begin=${EPOCHREALTIME/./}
"$root/scripts/setup.sh"
note setup

begin=${EPOCHREALTIME/./}
programs=$("$root/scripts/build.sh")
note build

begin=${EPOCHREALTIME/./}
(cd "$example" && "$programs/reel" build)
note render

printf '\nThe film, and what else was made:\n'
find "$example/out" -type f -printf '  %p  (%k KiB)\n' | sort
printf '\nHow long each stage took:\n'
printf '%s\n' "${times[@]}"
printf '\nChange a word in %s/reel.yaml, and make only what depends on it:\n' "$example"
printf '  cd %q && %q build\n' "$example" "$programs/reel"
