#!/usr/bin/env bash
# AdaIN's decoder in three phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [LEVEL=relu4_1]  [DEVICE=cuda]
#   [SKIPS=relu1_1,relu2_1,relu3_1|none] [IDENTITY_STEPS=600] [STEPS=9000] [DETAIL_STEPS=3500]
#   [BATCH=4] [CROP=128] [RESIZE_MAX=256]  recipes/adain.sh
# The defaults are for one CPU core that multiplies bfloat16, an hour and a half: a step takes 0.15 s
# in the first phase and 0.2 to 0.4 s after it. 0 steps leave a phase out. With VGG: SKIPS=none.
# On a GPU: BATCH=8 CROP=240 RESIZE_MAX=384 STEPS=20000
set -euo pipefail
OUT=${OUT:-runs}
WEIGHTS=${START:-}
train() { # folder, steps, options …
  local folder=$1 steps=$2
  shift 2
  [ "$steps" -gt 0 ] || return 0
  "${PYTHON:-.venv/bin/python}" -m gesso train adain -o "$folder" --steps "$steps" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --level "${LEVEL:-relu4_1}" --skips "${SKIPS:-relu1_1,relu2_1,relu3_1}" --grad-clip 1 \
    --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 250 \
    $([ -n "$WEIGHTS" ] && echo --start "$WEIGHTS") \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
  WEIGHTS=$folder/weights.safetensors
}
size="--batch ${BATCH:-4} --crop ${CROP:-128} --resize-max ${RESIZE_MAX:-256}"
# First a decoder that gives back its content, pixel by pixel: a third of the cost of a step on styles.
train "$OUT/adain_identity" "${IDENTITY_STEPS:-600}" $size \
  --style-weight 0 --content-weight 0 --range-weight 0 --identity-weight 10 --lr 2e-3 --warmup 20 --seed 1
# Then content and style; the error of the content as it is stays in, so that detail does. Last with
# more weight on it: 22 dB for every photo cost 3 percentage points of the style gap.
train "$OUT/adain_styles" "${STEPS:-9000}" $size --style-weight 15 --identity-weight 40 --lr 1e-3 --warmup 50 --seed 9
train "$OUT/adain" "${DETAIL_STEPS:-3500}" $size --style-weight 20 --identity-weight 90 --lr 6e-4 --warmup 50 --seed 10
