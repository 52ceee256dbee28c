#!/usr/bin/env bash
# Installs what building and running reel needs, where apt is; elsewhere lists what is missing.
# Does nothing, quickly, when all is there. `--check` never installs; `--tests` also installs what only tests use, if it
# can. Exit code 2: something is missing.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

packages=(
  libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev ffmpeg
  libclang-dev cmake g++ pkg-config zstd
  espeak-ng espeak-ng-data libespeak-ng-dev
  fonts-dejavu-core fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji
)

# What only tests use: without it they are skipped, and say so.
test_packages=(chromium chromium-driver)

# Libraries of FFmpeg and the version each has in FFmpeg 5.1.
ffmpeg_libraries=(
  libavcodec:59.37 libavformat:59.27 libavfilter:8.44 libavutil:57.28 libswscale:6.7 libswresample:4.7
)

missing=()

has() {
  command -v "$1" >/dev/null 2>&1
}

say() {
  printf 'setup: %s\n' "$*" >&2
}

on_apt() {
  has apt-get && has dpkg-query
}

# Prints those of these packages that are not installed.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF -- "installed $package" <<<"$installed" || printf '%s\n' "$package"
  done
}

# Prints what stands before a command to run it as root: nothing, or sudo. Fails when there is no way.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    return
  fi
  has sudo || return 1
  # With nobody to type a password, fail instead of waiting.
  if [ -t 0 ]; then printf 'sudo\n'; else printf 'sudo\n-n\n'; fi
}

# Installs these packages.
apt_install() {
  local prefix found
  if ! found=$(as_root); then
    say 'not root, and there is no sudo; as root, run:'
    say "  apt-get update && apt-get install -y --no-install-recommends $*"
    return 1
  fi
  mapfile -t prefix < <([ -z "$found" ] || printf '%s\n' "$found")
  say "installing $*"
  "${prefix[@]}" apt-get update -qq &&
    "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null
}

install_packages() {
  local wanted
  mapfile -t wanted < <(missing_packages "${packages[@]}")
  # Rust comes as the package rustup where there is one.
  if ! has cargo && ! has rustup && apt-cache show rustup >/dev/null 2>&1; then
    wanted+=(rustup)
  fi
  if [ "${#wanted[@]}" -eq 0 ]; then
    return
  fi
  apt_install "${wanted[@]}" || exit 2
}

install_test_packages() {
  local wanted
  mapfile -t wanted < <(missing_packages "${test_packages[@]}")
  if [ "${#wanted[@]}" -eq 0 ]; then
    return
  fi
  # Where they are called otherwise, or come in another way, nobody waits for them.
  if ! apt-cache show "${wanted[@]}" >/dev/null 2>&1 || ! apt_install "${wanted[@]}"; then
    say "${wanted[*]} cannot be installed here; tests that need them will be skipped"
  fi
}

check_ffmpeg() {
  local entry
  if ! has pkg-config; then
    missing+=('pkg-config')
    return
  fi
  for entry in "${ffmpeg_libraries[@]}"; do
    if ! pkg-config --atleast-version="${entry#*:}" "${entry%%:*}" 2>/dev/null; then
      missing+=("FFmpeg 5.1 or later with its headers (${entry%%:*} ${entry#*:} is not found)")
      return
    fi
  done
  has ffmpeg || missing+=('the `ffmpeg` and `ffprobe` programs')
}

check_compilers() {
  has cmake || missing+=('cmake')
  has c++ || missing+=('a C++ compiler')
  has zstd || missing+=('zstd')
  local known
  known=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true)
  if ! grep -q 'libclang[-.]' <<<"$known" &&
    ! compgen -G '/usr/lib/llvm*/lib/libclang*' >/dev/null &&
    ! has llvm-config && [ -z "${LIBCLANG_PATH:-}" ]; then
    missing+=('clang with libclang')
  fi
}

check_speech() {
  if ! { pkg-config --exists espeak-ng || [ -f /usr/include/espeak-ng/speak_lib.h ]; } 2>/dev/null; then
    missing+=('espeak-ng 1.51 or later with its headers')
  fi
  if ! has espeak-ng || ! espeak-ng --voices=en >/dev/null 2>&1; then
    missing+=('the `espeak-ng` program and its voice data')
  fi
}

check_fonts() {
  local folders=(/usr/share/fonts /usr/local/share/fonts "$HOME/.local/share/fonts" "$HOME/Library/Fonts" /Library/Fonts)
  local found
  found=$(find "${folders[@]}" -name DejaVuSans.ttf -print 2>/dev/null | head -n 1 || true)
  [ -n "$found" ] || missing+=('the DejaVu fonts (DejaVuSans.ttf)')
}

# rustup reads rust-toolchain.toml and fetches that version when it is not there yet.
check_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
  if ! has cargo; then
    missing+=("Rust $wanted or later, best with rustup (see https://rustup.rs)")
    return
  fi
  found=$(
    cd "$root"
    rustc --version | cut -d ' ' -f 2
  ) || found=
  if [ -z "$found" ] || ! printf '%s\n%s\n' "$wanted" "$found" | sort -C -V; then
    missing+=("Rust $wanted or later (found: ${found:-none}), best with rustup")
    return
  fi
  (cd "$root" && cargo fmt --version && cargo clippy --version) >/dev/null 2>&1 ||
    missing+=('the Rust components rustfmt and clippy')
}

report_missing() {
  local thing
  if [ "${#missing[@]}" -eq 0 ]; then
    return
  fi
  say 'this is missing:'
  for thing in "${missing[@]}"; do
    say "  - $thing"
  done
  say 'install it with the package manager of your system; the names that Debian uses are:'
  say "  ${packages[*]}"
  exit 2
}

main() {
  local install=yes tests=no
  case "${1:-}" in
    '') ;;
    --check) install=no ;;
    --tests) tests=yes ;;
    *)
      say "unknown argument \`$1\`; use --check, --tests, or nothing"
      exit 2
      ;;
  esac
  if [ "$install" = yes ] && on_apt; then
    install_packages
    if [ "$tests" = yes ]; then
      install_test_packages
    fi
  fi
  check_ffmpeg
  check_compilers
  check_speech
  check_fonts
  check_rust
  report_missing
  say 'all there'
}

main "$@"
