#!/usr/bin/env bash
# The compact encoder: distil VGG-19 (docs/encoders.md). Resumes where it stopped.
#   DATA=folder with content/ and style/   VGG=vgg19 weights   [START=compact encoder to go on from]
#   [EMITTER=a transfer network's start]  [DEVICE=cuda]  [STEPS=40000]  [CROP=144] [SEED=0]  recipes/compact.sh
set -euo pipefail
OUT=${OUT:-runs/compact}
exec "${PYTHON:-.venv/bin/python}" -m gesso distill \
  --contents "$DATA/content" --styles "$DATA/style" --teacher "$VGG" -o "$OUT" \
  ${START:+--start "$START"} ${EMITTER:+--emitter "$EMITTER"} $([ -f "$OUT/checkpoint.safetensors" ] && echo --resume) \
  --steps "${STEPS:-40000}" --lr "${LR:-4e-4}" --gram-weight "${GRAM_WEIGHT:-1}" --crop "${CROP:-144}" \
  --real "${REAL:-2}" --emitted "${EMITTED:-2}" --descended "${DESCENDED:-3}" \
  --seed "${SEED:-0}" --device "${DEVICE:-cpu}" --save-every 100
