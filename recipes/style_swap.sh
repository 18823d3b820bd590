#!/usr/bin/env bash
# Style swap's inverse network in four phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [DEVICE=cuda]  [BATCH=2] [CROP=96]
#   [RESIZE_MAX=192] [IDENTITY_STEPS=600] [FIRST_STEPS=800] [SMOOTH_STEPS=350]
#   [STEPS=150]  recipes/style_swap.sh
# The defaults are for one CPU core without bfloat16, half an hour. On a GPU, with VGG-19:
#   BATCH=4 CROP=256 RESIZE_MAX=512 FIRST_STEPS=2000 STEPS=20000
set -euo pipefail
OUT=${OUT:-runs}
WEIGHTS=${START:-}
train() { # folder, steps, options …
  local folder=$1 steps=$2
  shift 2
  [ "$steps" -gt 0 ] || return 0
  "${PYTHON:-.venv/bin/python}" -m gesso train style_swap -o "$folder" --steps "$steps" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" --grad-clip 1 \
    --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 50 --sample-every 200 \
    $([ -n "$WEIGHTS" ] && echo --start "$WEIGHTS") \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
  WEIGHTS=$folder/weights.safetensors
}
size="--batch ${BATCH:-2} --crop ${CROP:-96} --resize-max ${RESIZE_MAX:-192}"
# First contents and styles as they are, pixel by pixel: a third of the cost of a step on features.
train "$OUT/style_swap_identity" "${IDENTITY_STEPS:-600}" $size \
  --feature-weight 0 --identity-weight 10 --tv-weight 0 --lr 2e-3 --warmup 20 --seed 1
# Then the paper's loss on contents, styles and swaps; the error of the pixels stays in, so that
# colours and fine detail do.
train "$OUT/style_swap_first" "${FIRST_STEPS:-800}" $size \
  --identity-weight 10 --tv-weight 0.3 --lr 2e-3 --warmup 20 --seed 2
# More weight on smoothness: features of averaged patches, which no picture has, come back as a weave.
train "$OUT/style_swap_smooth" "${SMOOTH_STEPS:-350}" $size \
  --identity-weight 10 --tv-weight 4 --lr 1e-3 --warmup 20 --seed 3
# Last a term against that weave.
train "$OUT/style_swap" "${STEPS:-150}" $size \
  --identity-weight 10 --tv-weight 2 --lattice-weight 6 --lr 1e-3 --warmup 10 --seed 4
