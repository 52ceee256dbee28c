#!/usr/bin/env bash
# Makes the clip of this example: circles that run outwards. reel itself does not need it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/assets"
ffmpeg -v error -y -f lavfi -i "color=black:s=320x180:r=25:d=4" \
  -vf "geq=lum='128+100*sin(hypot(X-160,Y-90)/6-T*8)':cb='110':cr='150+20*sin(T*2)'" \
  -c:v libx264 -crf 28 -pix_fmt yuv420p -fflags +bitexact -flags:v +bitexact rings.mp4
