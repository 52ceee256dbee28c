#!/usr/bin/env bash
# Renders a project where nobody looks on, with everything that is to be kept for the next time in one folder.
# usage: render.sh PROJECT [ARGUMENT OF `reel ci`...]
#
# All that is worth keeping is then in PROJECT/.reel: the cache, and what is known of the last build. Reports are in
# the folder REEL_REPORTS (reel-reports). REEL_CACHE_BUDGET (5GiB) is how much the cache may hold afterwards.
# The exit code is that of `reel ci`.
set -euo pipefail

if [ "$#" -lt 1 ] || [ ! -e "$1" ]; then
  printf 'render: the first argument is the folder of the project\n' >&2
  exit 2
fi
project=$(cd -- "$1" && pwd)
shift

reports=${REEL_REPORTS:-reel-reports}
# A folder that is restored holds results, whatever machine they were made on: keys tell what they are good for.
export REEL_CACHE_DIR=${REEL_CACHE_DIR:-$project/.reel/cache}

mkdir -p -- "$reports"
# The page is appended to; one of an earlier run, kept by a runner that does not clean up, is not part of this.
rm -f -- "$reports/summary.md"
arguments=(--project "$project" --junit "$reports/junit.xml")
if [ -z "${GITHUB_STEP_SUMMARY:-}" ]; then
  arguments+=(--summary "$reports/summary.md")
fi

code=0
reel ci "${arguments[@]}" "$@" || code=$?

# What is kept is moved over a network twice in each run, so it is held small. What current outputs need stays.
if [ -d "$REEL_CACHE_DIR" ]; then
  reel cache gc --max-size "${REEL_CACHE_BUDGET:-5GiB}" >&2 ||
    printf 'render: the cache is not within its budget\n' >&2
fi
exit "$code"
