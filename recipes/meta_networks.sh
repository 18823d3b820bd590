#!/usr/bin/env bash
# Meta Networks' hypernetwork in six phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [DEVICE=cuda]  [WIDTH=8] [HIDDEN=128]
#   [UPSAMPLE=resize|deconv] [CONTENTS=1] [STYLES=4] [REPEATS=1] [TV_WEIGHT=1]
#   [IDENTITY_STEPS=600] [FIRST_STEPS=1500] [STYLE_STEPS=6000] [LARGE_STEPS=1800] [SPIKE_STEPS=1000]
#   [MATCHED_STEPS=1240]  recipes/meta_networks.sh
# The defaults are for one CPU core that multiplies bfloat16, about two hours. 0 steps leave a phase out.
# On a GPU: CONTENTS=4 STYLES=8 FIRST_STEPS=0 STYLE_STEPS=0 LARGE_STEPS=0 SPIKE_STEPS=20000 MATCHED_STEPS=20000
set -euo pipefail
OUT=${OUT:-runs}
WEIGHTS=${START:-}
train() { # folder, steps, options …
  local folder=$1 steps=$2
  shift 2
  [ "$steps" -gt 0 ] || return 0
  "${PYTHON:-.venv/bin/python}" -m gesso train meta_networks -o "$folder" --steps "$steps" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --width "${WIDTH:-8}" --hidden "${HIDDEN:-128}" --upsample "${UPSAMPLE:-resize}" \
    --grad-clip 1 --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 500 \
    $([ -n "$WEIGHTS" ] && echo --start "$WEIGHTS") \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
  WEIGHTS=$folder/weights.safetensors
}
styles() { # folder, steps, crop, style crop, largest content, style weight, rate, seed, spike weight:
  # Algorithm 1
  train "$1" "$2" --content-batch "${CONTENTS:-1}" --style-batch "${STYLES:-4}" --repeats "${REPEATS:-1}" \
    --crop "$3" --style-crop "$4" --resize-max "$5" --style-weight "$6" --lr "$7" --seed "$8" \
    --tv-weight "${TV_WEIGHT:-1}" --warmup 50 --spike-weight "${9:-0}" "${@:10}"
}
# Networks that reproduce their content, compared at relu1_2: cheap, and what every style's network
# has to be able to do.
train "$OUT/meta_networks_identity" "${IDENTITY_STEPS:-600}" \
  --style-weight 0 --content-level relu1_2 --content-batch 4 --style-batch 1 --crop 96 --style-crop 144 \
  --resize-max 160 --lr 3e-3 --warmup 20 --seed 1
# Several styles at a time: small crops and more weight on the style at first, larger crops at last.
styles "$OUT/meta_networks_first" "${FIRST_STEPS:-1500}" 144 192 288 6 2e-3 2
styles "$OUT/meta_networks_styles" "${STYLE_STEPS:-6000}" 144 192 288 8 2e-3 12
styles "$OUT/meta_networks_large" "${LARGE_STEPS:-1800}" 208 256 384 6 8e-4 13
# Last without the white moons that the networks have learned to paint into bright, flat places.
styles "$OUT/meta_networks_spikes" "${SPIKE_STEPS:-1000}" 208 256 384 6 8e-4 14 0.5
# And by matching, small crops again: means and deviations let a network put a colour anywhere.
styles "$OUT/meta_networks" "${MATCHED_STEPS:-1240}" 128 192 256 2 1e-3 21 0.2 --match-weight 6 --content-weight 0.3
