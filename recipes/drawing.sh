#!/usr/bin/env bash
# The network that draws for matching, from style swap's, in one phase that resumes where it stopped.
#   DATA=folder with content/ and style/  [START=FILE]  [ENCODER=compact|FILE]  [DEVICE=cuda]
#   [BATCH=2] [CROP=176] [RESIZE_MAX=320] [STEPS=4000]  recipes/drawing.sh
# The defaults are for one CPU core that multiplies bfloat16, an hour: 0.9 s a step of two
# photographs in two styles each. On a GPU: BATCH=4 CROP=256 RESIZE_MAX=512 STEPS=20000
set -euo pipefail
OUT=${OUT:-runs}/drawing
"${PYTHON:-.venv/bin/python}" -m gesso train style_swap -o "$OUT" --steps "${STEPS:-4000}" \
  --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
  --start "${START:-src/gesso/assets/weights/style_swap.safetensors}" --grad-clip 1 \
  --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 250 \
  --batch "${BATCH:-2}" --crop "${CROP:-176}" --resize-max "${RESIZE_MAX:-320}" \
  --match-weight 1 --feature-weight 0 --key-blur 6 --tv-weight 0 --lattice-weight 10 --range-weight 10 \
  --lr 5e-4 --warmup 50 --ema 0.99 --seed 5 \
  $([ -f "$OUT/checkpoint.safetensors" ] && echo --resume)
# The mean with what it began with has its strokes, and less of their relief.
"${PYTHON:-.venv/bin/python}" recipes/mean.py "$OUT/weights.safetensors" \
  "${START:-src/gesso/assets/weights/style_swap.safetensors}" "$OUT/drawing.safetensors" --share 0.3
