#!/usr/bin/env bash
# AdaIN's decoder in two phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [LEVEL=relu4_1]  [DEVICE=cuda]
#   [SKIPS=relu2_1,relu3_1|none] [IDENTITY_STEPS=600] [STEPS=7500] [BATCH=4] [CROP=128] [RESIZE_MAX=256]
#   [STYLE_WEIGHT=5] [IDENTITY_WEIGHT=20]  recipes/adain.sh
# The defaults are for one CPU core that multiplies bfloat16, an hour: a step takes 0.15 s in the first
# phase and 0.4 s in the second. On a GPU: BATCH=8 CROP=256 RESIZE_MAX=512
set -euo pipefail
OUT=${OUT:-runs}
train() { # folder, options …
  local folder=$1
  shift
  "${PYTHON:-.venv/bin/python}" -m gesso train adain -o "$folder" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --level "${LEVEL:-relu4_1}" --batch "${BATCH:-4}" --crop "${CROP:-128}" --resize-max "${RESIZE_MAX:-256}" \
    --skips "${SKIPS:-relu2_1,relu3_1}" --grad-clip 1 --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 250 \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
}
# First a decoder that gives back its content, pixel by pixel: a third of the cost of a step on styles.
train "$OUT/adain_identity" --steps "${IDENTITY_STEPS:-600}" \
  --style-weight 0 --content-weight 0 --range-weight 0 --identity-weight 10 --lr 2e-3 --warmup 20 --seed 1
# Then content and style; the error of the content as it is stays in, so that detail does.
train "$OUT/adain" --steps "${STEPS:-7500}" --start "$OUT/adain_identity/weights.safetensors" \
  --style-weight "${STYLE_WEIGHT:-5}" --identity-weight "${IDENTITY_WEIGHT:-20}" --tv-weight "${TV_WEIGHT:-0}" \
  --lr "${LR:-1e-3}" --warmup 50 --seed 2
