#!/usr/bin/env bash
# Builds the release programs and prints the folder they are in; nothing else is on stdout.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

cargo build --release --locked -p reel -p reel-worker -p reel-speak >&2
target=$(cargo metadata --no-deps --format-version 1 --locked |
  sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
printf '%s/release\n' "$target"
