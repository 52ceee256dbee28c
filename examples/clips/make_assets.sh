#!/usr/bin/env bash
# Makes the two video files of this example with FFmpeg alone. reel does not need it: they are in Git.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
mkdir -p assets

# A fall into the Mandelbrot set, 24 frames a second, with a rising chord.
ffmpeg -v error -y \
  -f lavfi -i "mandelbrot=size=640x360:rate=24:start_scale=2.4:end_scale=0.02:end_pts=170:start_x=-0.743643:start_y=0.131825,hue=h=200:s=0.45,gblur=sigma=1" \
  -f lavfi -i "aevalsrc=0.12*(sin(2*PI*(110+6*t)*t)+sin(2*PI*(165+9*t)*t)+0.6*sin(2*PI*(220+12*t)*t)):s=44100:d=7" \
  -t 7 -map 0:v -map 1:a -c:v libx264 -preset slow -crf 33 -pix_fmt yuv420p -c:a aac -b:a 48k \
  -flags:v +bitexact -flags:a +bitexact -fflags +bitexact -movflags +faststart assets/fall.mp4

# The game of life, 30 frames a second, with soft clicks.
ffmpeg -v error -y \
  -f lavfi -i "life=size=64x36:rate=10:mold=24:ratio=0.3:seed=11:life_color=#ffd54a:death_color=#1d3557:mold_color=#0b1021,scale=640:360:flags=neighbor,gblur=sigma=4,fps=30" \
  -f lavfi -i "aevalsrc=0.35*sin(2*PI*(520+130*mod(floor(t*5)\,4))*t)*exp(-18*mod(t\,0.2)):s=48000:d=6" \
  -t 6 -map 0:v -map 1:a -c:v libx264 -preset slow -crf 33 -pix_fmt yuv420p -c:a aac -b:a 48k \
  -flags:v +bitexact -flags:a +bitexact -fflags +bitexact -movflags +faststart assets/life.mp4
