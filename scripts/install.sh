#!/usr/bin/env bash
# Puts reel into PREFIX (default ~/.local): reel in bin, the programs it starts in libexec/reel.
# usage: install.sh [--from FOLDER] [PREFIX]    --from: take built programs from there, build nothing
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

stop() {
  printf 'install: %s\n' "$*" >&2
  exit 2
}

from=
prefix=
while [ "$#" -gt 0 ]; do
  case "$1" in
    --from)
      [ "$#" -ge 2 ] || stop '--from needs a folder'
      from=$2
      shift
      ;;
    -*) stop "unknown argument \`$1\`; use --from FOLDER, or a prefix" ;;
    *)
      [ -z "$prefix" ] || stop "two prefixes: \`$prefix\` and \`$1\`"
      prefix=$1
      ;;
  esac
  shift
done
prefix=${prefix:-$HOME/.local}

if [ -z "$from" ]; then
  "$root/scripts/setup.sh"
  from=$("$root/scripts/build.sh")
fi
for program in reel reel-worker reel-speak; do
  [ -x "$from/$program" ] || stop "there is no program \`$program\` in \`$from\`"
done

mkdir -p -- "$prefix/bin" "$prefix/libexec/reel"
# The programs first: a reel that is there already never meets half of a new set for long.
install -m 755 -- "$from/reel-worker" "$from/reel-speak" "$prefix/libexec/reel/"
install -m 755 -- "$from/reel" "$prefix/bin/"

printf 'installed %s/bin/reel, and its programs in %s/libexec/reel\n' "$prefix" "$prefix"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) printf 'to run it by its name, put %s/bin into PATH\n' "$prefix" ;;
esac
