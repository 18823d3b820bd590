#!/usr/bin/env bash
# MetaStyle's start in two phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [DEVICE=cuda]  [WIDTH=16]
#   [START=a start to go on from, instead of phase 1]  [IDENTITY_STEPS=800] [META_STEPS=5000]
#   [CONTENTS=1] [STYLES=2] [CROP=192] [STYLE_CROP=256] [RESIZE_MAX=256] [STYLE_WEIGHT=2]
#   [LR=1e-3] [DECAY=2e-4] [SEED=4]  recipes/metastyle.sh
# The defaults are for one CPU core that multiplies bfloat16: a step a second. The bundled start went
# through three runs of the second phase, which its model card lists. On a GPU:
#   CONTENTS=4 STYLES=8 CROP=256 STYLE_CROP=256 RESIZE_MAX=288 META_STEPS=20000
set -euo pipefail
OUT=${OUT:-runs}
train() { # folder, options …
  local folder=$1
  shift
  "${PYTHON:-.venv/bin/python}" -m gesso train metastyle -o "$folder" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --width "${WIDTH:-16}" --saturation-weight 0.05 --grad-clip 1 \
    --device "${DEVICE:-cpu}" --workers 1 --save-every 50 --sample-every 100 \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
}
# First a network that reproduces its content: cheap (the encoder's first block is enough), and
# meta-training from it is ahead, within minutes, of meta-training from random weights after an hour.
[ -n "${START:-}" ] || train "$OUT/identity" --crop 96 --steps "${IDENTITY_STEPS:-800}" --inner-steps 0 \
  --content-level relu1_2 --style-weight 0 --content-batch 4 --style-batch 1 --style-crop 32 \
  --resize-max 160 --lr 3e-3 --decay 2e-3 --warmup 20 --seed 1
# Then Algorithm 1, exact second order. One inner step of 0.03 on γ and β lowers an unseen style's
# loss most (tried: 0.003 to 0.3).
train "$OUT/metastyle" --steps "${META_STEPS:-5000}" --start "${START:-$OUT/identity/weights.safetensors}" \
  --inner-steps "${INNER_STEPS:-1}" --inner-lr 0.03 --content-batch "${CONTENTS:-1}" \
  --style-batch "${STYLES:-2}" --crop "${CROP:-192}" --style-crop "${STYLE_CROP:-256}" \
  --resize-max "${RESIZE_MAX:-256}" --style-weight "${STYLE_WEIGHT:-2}" --tv-weight 1 \
  --lr "${LR:-1e-3}" --decay "${DECAY:-2e-4}" --warmup 50 --seed "${SEED:-4}"
