#!/usr/bin/env bash
# Checks that docs/dependencies.md has a line for every direct dependency, and for nothing else.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# Names in the dependency tables of every Cargo.toml; the members of the workspace are not meant.
used=$(
  find Cargo.toml benches cli engine nodes tests -name Cargo.toml -exec awk '
    /^\[/ { table = /dependencies\]$/; next }
    table && /^[A-Za-z0-9_-]+[ .=]/ { sub(/[ .=].*/, ""); print }
  ' {} + | grep -v '^reel-' | sort -u
)
told=$(sed -n 's/^| `\([^`]*\)` |.*/\1/p' docs/dependencies.md | sort)

twice=$(uniq -d <<<"$told")
[ -z "$twice" ] || {
  printf 'check-dependencies: two lines in docs/dependencies.md for: %s\n' "$twice" >&2
  exit 1
}
if [ "$used" != "$told" ]; then
  printf 'check-dependencies: docs/dependencies.md and the Cargo.toml files differ\n' >&2
  comm -23 <(printf '%s\n' "$used") <(printf '%s\n' "$told") | sed 's/^/  no line for: /' >&2
  comm -13 <(printf '%s\n' "$used") <(printf '%s\n' "$told") | sed 's/^/  a line, but not used: /' >&2
  exit 1
fi
printf '%d dependencies, each with its line\n' "$(wc -l <<<"$used")"
