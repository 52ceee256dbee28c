# reel with all that it needs to render: its programs, FFmpeg and espeak-ng of Debian, fonts.
#
#   docker build -t reel .
#   docker run --rm -v "$PWD:/work" reel reel build
#
# Licences: the source of reel is MIT or Apache-2.0, but an image holds reel-speak (GPL-3.0-or-later), a reel-worker
# that is linked with Debian's GPL build of FFmpeg, and espeak-ng (GPL-3.0-or-later). Whoever passes an image on passes
# these on under the GPL, with its duties: the source of reel is this repository, that of the rest is Debian's.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Installs what building needs, builds, and puts the programs into a folder.
RUN scripts/install.sh /opt/reel

FROM debian:bookworm-slim
# Versions are those of the release of Debian, which gets security fixes: a pinned one would be gone with the first.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libavcodec59 libavfilter8 libavformat59 libavutil57 libswresample4 libswscale6 libgomp1 \
      libespeak-ng1 espeak-ng-data \
      fonts-dejavu-core fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji \
      ca-certificates git zstd \
 && rm -rf /var/lib/apt/lists/*

COPY --from=build /opt/reel /usr/local
# What a job calls: see docs/ci.md.
COPY --chmod=755 ci/render.sh /usr/local/bin/reel-render
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/reel/
COPY nodes/speak/LICENSE /usr/share/doc/reel/LICENSE-GPL-3.0

# 1001 is who the runners of GitHub are, so that a job may write into its checkout.
RUN useradd --uid 1001 --create-home reel \
 && install -d -o reel -g reel /work
USER 1001
WORKDIR /work
ENV LANG=C.UTF-8

HEALTHCHECK --interval=10m --timeout=30s CMD ["reel", "doctor", "--quiet"]
LABEL org.opencontainers.image.title="reel" \
      org.opencontainers.image.description="turns a folder in Git into films" \
      org.opencontainers.image.licenses="GPL-3.0-or-later AND GPL-2.0-or-later AND (MIT OR Apache-2.0)"

# No entry point: hosts of builds start a shell in it.
CMD ["reel", "--help"]
