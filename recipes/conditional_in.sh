#!/usr/bin/env bash
# The bank of 32 styles behind the bundled weights. Resumes where it stopped.
#   DATA=folder with content/  [STYLES=folder]  [START=FILE]  [ENCODER=compact|FILE]  [DEVICE=cuda]
#   [STEPS=3400] [PHOTO_STEPS=1700] [BATCH=2] [CROP=128] [OUT=runs]  recipes/conditional_in.sh
# The defaults are for one CPU core: a step takes about a second. On a GPU: BATCH=16 CROP=256
# STEPS=40000 PHOTO_STEPS=20000.
set -euo pipefail
OUT=${OUT:-runs}
ASSETS=src/gesso/assets
"${PYTHON:-.venv/bin/python}" -m gesso train conditional_in -o "$OUT/conditional_in" \
  --contents "$DATA/content" --styles "${STYLES:-$ASSETS/styles}" --encoder "${ENCODER:-compact}" \
  --start "${START:-$ASSETS/weights/metastyle.safetensors}" \
  $([ -f "$OUT/conditional_in/checkpoint.safetensors" ] && echo --resume) \
  --batch "${BATCH:-2}" --crop "${CROP:-128}" --resize-max 256 \
  --steps "${STEPS:-3400}" --photo-steps "${PHOTO_STEPS:-1700}" \
  --lr 2e-3 --schedule inverse --decay 1e-3 --warmup 30 --ema 0.99 --grad-clip 1 --seed 11 \
  --save-every 50 --sample-every 200 --log-every 20 --workers 1 --device "${DEVICE:-cpu}" --threads "${THREADS:-1}"
