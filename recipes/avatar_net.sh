#!/usr/bin/env bash
# Avatar-Net's hourglass, in one run that resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|vgg19|FILE]  [START=weights of a decoder|none]
#   [BATCH=1] [CROP=96] [RESIZE_MAX=256] [LR=1e-4] [STEPS=20] [DEVICE=cuda]  recipes/avatar_net.sh
# They begin with AdaIN's bundled decoder, which has the same structure and has seen styles: 20 small
# steps. With 157 of ten times the rate pictures went back to the photo. With VGG: START=none LR=1e-3,
# and on a GPU BATCH=8 CROP=256 RESIZE_MAX=512 STEPS=40000.
set -euo pipefail
OUT=${OUT:-runs}
START=${START:-src/gesso/assets/weights/adain.safetensors}
folder=$OUT/avatar_net
"${PYTHON:-.venv/bin/python}" -m gesso train avatar_net -o "$folder" --steps "${STEPS:-20}" \
  --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
  --batch "${BATCH:-1}" --crop "${CROP:-96}" --resize-max "${RESIZE_MAX:-256}" \
  --lr "${LR:-1e-4}" --schedule inverse --decay 1e-2 --warmup 10 --grad-clip 1 --seed 12 \
  --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 20 --sample-every 20 \
  $([ "$START" != none ] && echo --start "$START") \
  $([ -f "$folder/checkpoint.safetensors" ] && echo --resume)
