#!/usr/bin/env bash
# Meta Networks' hypernetwork in two phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [DEVICE=cuda]  [WIDTH=8] [HIDDEN=128]
#   [UPSAMPLE=resize|deconv] [IDENTITY_STEPS=600] [STYLE_STEPS=5000] [CONTENTS=1] [STYLES=4]
#   [CROP=144] [RESIZE_MAX=256]  recipes/meta_networks.sh
# The defaults are for one CPU core. On a GPU: CONTENTS=4 STYLES=8 CROP=256 RESIZE_MAX=480
set -euo pipefail
OUT=${OUT:-runs}
train() { # folder, options …
  local folder=$1
  shift
  "${PYTHON:-.venv/bin/python}" -m gesso train meta_networks -o "$folder" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --width "${WIDTH:-8}" --hidden "${HIDDEN:-128}" --upsample "${UPSAMPLE:-resize}" \
    --grad-clip 1 --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 250 \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
}
# First networks that reproduce their content, compared at relu1_2: cheap, and what every style's
# network has to be able to do.
train "$OUT/meta_networks_identity" --steps "${IDENTITY_STEPS:-600}" \
  --style-weight 0 --content-level relu1_2 --content-batch 4 --style-batch 1 --crop 96 --style-crop 144 \
  --resize-max 160 --lr 3e-3 --warmup 20 --seed 1
# Then Algorithm 1, several styles at a time.
train "$OUT/meta_networks" --steps "${STYLE_STEPS:-5000}" \
  --start "$OUT/meta_networks_identity/weights.safetensors" \
  --content-batch "${CONTENTS:-1}" --style-batch "${STYLES:-4}" --repeats "${REPEATS:-1}" \
  --crop "${CROP:-144}" --style-crop "${STYLE_CROP:-144}" --resize-max "${RESIZE_MAX:-256}" \
  --style-weight "${STYLE_WEIGHT:-6}" --tv-weight "${TV_WEIGHT:-1}" --lr "${LR:-2e-3}" --warmup 50 --seed 2
