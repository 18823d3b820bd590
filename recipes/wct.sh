#!/usr/bin/env bash
# WCT's decoders, all levels in one run that resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|vgg19|FILE]  [START=weights of a decoder|none]
#   [BATCH=1] [CROP=96] [RESIZE_MAX=256] [STEPS=400] [DEVICE=cuda]  recipes/wct.sh
# The defaults are for one CPU core and some minutes, since they begin with the layers of AdaIN's
# bundled decoder that each level has, too. With VGG: START=none, and on a GPU BATCH=8 CROP=256 RESIZE_MAX=512
# STEPS=40000.
set -euo pipefail
OUT=${OUT:-runs}
START=${START:-src/gesso/assets/weights/adain.safetensors}
folder=$OUT/wct
"${PYTHON:-.venv/bin/python}" -m gesso train wct -o "$folder" --steps "${STEPS:-400}" \
  --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
  --batch "${BATCH:-1}" --crop "${CROP:-96}" --resize-max "${RESIZE_MAX:-256}" \
  --lr 1e-3 --schedule inverse --decay 1e-2 --ema 0.9 --warmup 10 --grad-clip 1 --seed 11 \
  --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 25 --sample-every 100 \
  $([ "$START" != none ] && echo --start "$START") \
  $([ -f "$folder/checkpoint.safetensors" ] && echo --resume)
