#!/usr/bin/env bash
# Checks that the scripts work from any folder, that setup may be repeated, and that an installed reel
# is whole. It uses the programs that are built, and builds none.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
space=$(mktemp -d)
trap 'rm -rf -- "$space"' EXIT

wrong() {
  printf 'check-scripts: %s\n' "$*" >&2
  exit 1
}

# Every script is strict, executable, and understood by bash.
for script in "$root"/scripts/*.sh "$root"/ci/*.sh "$root/.ci/run"; do
  bash -n "$script" || wrong "\`$script\` is not understood"
  grep -qx 'set -euo pipefail' "$script" || wrong "\`$script\` does not \`set -euo pipefail\`"
  [ -x "$script" ] || wrong "\`$script\` is not executable; run: chmod +x $script"
done

# A folder with a space in its name, far from the project.
mkdir "$space/far away"
cd "$space/far away"

for _ in first second; do
  "$root/scripts/setup.sh" --check 2>"$space/said" || wrong "setup.sh --check failed: $(cat "$space/said")"
done
code=0
"$root/scripts/setup.sh" --nonsense 2>/dev/null || code=$?
[ "$code" -eq 2 ] || wrong "setup.sh takes an unknown argument: exit code $code"

target=$(cd "$root" && cargo metadata --no-deps --format-version 1 |
  sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
programs=$target/debug
"$root/scripts/install.sh" --from "$programs" "$space/pre fix" >/dev/null
# Installing over what is there must work too.
"$root/scripts/install.sh" --from "$programs" "$space/pre fix" >/dev/null
"$space/pre fix/bin/reel" --version >/dev/null || wrong 'the installed reel does not start'
"$space/pre fix/libexec/reel/reel-speak" --identity >/dev/null || wrong 'the installed reel-speak does not start'
[ -x "$space/pre fix/libexec/reel/reel-worker" ] || wrong 'reel-worker was not installed'

code=0
"$root/scripts/install.sh" --from "$space" "$space/other" 2>/dev/null || code=$?
[ "$code" -eq 2 ] || wrong "install.sh takes a folder without programs: exit code $code"
[ ! -e "$space/other" ] || wrong 'install.sh made a folder although it failed'

grep -q 'make test' <<<"$(make -s -C "$root" help)" || wrong '`make help` does not name `make test`'
make -s -f "$root/Makefile" setup >/dev/null 2>&1 || wrong '`make setup` fails from another folder'
printf 'scripts work from any folder\n'
