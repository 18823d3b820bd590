#!/usr/bin/env bash
# AdaIN's decoder in five phases, those behind the bundled one, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [LEVEL=relu4_1]  [DEVICE=cuda]
#   [SKIPS=relu2_1,relu3_1|none] [MORE_SKIPS=relu1_1,relu2_1,relu3_1|none] [BATCH=4] [CROP=128]
#   [RESIZE_MAX=256] [IDENTITY_STEPS=600] [FIRST_STEPS=1290] [STEPS=6000] [MORE_STEPS=4500]
#   [DETAIL_STEPS=3500]  recipes/adain.sh
# The defaults are for one CPU core that multiplies bfloat16, an hour and a half: a step takes 0.15 s
# in the first phase and 0.2 to 0.4 s after it. 0 steps leave a phase out. With VGG: both SKIPS none.
# On a GPU: BATCH=8 CROP=240 RESIZE_MAX=384 FIRST_STEPS=0 STEPS=0 MORE_STEPS=20000
set -euo pipefail
OUT=${OUT:-runs}
WEIGHTS=${START:-}
train() { # folder, steps, options …
  local folder=$1 steps=$2
  shift 2
  [ "$steps" -gt 0 ] || return 0
  "${PYTHON:-.venv/bin/python}" -m gesso train adain -o "$folder" --steps "$steps" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --level "${LEVEL:-relu4_1}" --skips "$skips" --grad-clip 1 \
    --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 250 \
    $([ -n "$WEIGHTS" ] && echo --start "$WEIGHTS") \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
  WEIGHTS=$folder/weights.safetensors
}
size="--batch ${BATCH:-4} --crop ${CROP:-128} --resize-max ${RESIZE_MAX:-256}"
skips=${SKIPS:-relu2_1,relu3_1}
# First a decoder that gives back its content, pixel by pixel: a third of the cost of a step on styles.
train "$OUT/adain_identity" "${IDENTITY_STEPS:-600}" $size \
  --style-weight 0 --content-weight 0 --range-weight 0 --identity-weight 10 --lr 2e-3 --warmup 20 --seed 1
# Then content and style, with more and more weight on the style; the error of the content as it is
# stays in, so that detail does.
train "$OUT/adain_first" "${FIRST_STEPS:-1290}" $size --style-weight 5 --identity-weight 20 --lr 1e-3 --warmup 50 --seed 2
train "$OUT/adain_styles" "${STEPS:-6000}" $size --style-weight 10 --identity-weight 30 --lr 1e-3 --warmup 50 --seed 5
# relu1_1 from here on: it begins at zero. Last with more weight on detail: 22 dB for every photo cost 3
# percentage points of the style gap.
skips=${MORE_SKIPS:-relu1_1,relu2_1,relu3_1}
train "$OUT/adain_more" "${MORE_STEPS:-4500}" $size --style-weight 15 --identity-weight 40 --lr 8e-4 --warmup 50 --seed 9
train "$OUT/adain" "${DETAIL_STEPS:-3500}" $size --style-weight 20 --identity-weight 90 --lr 6e-4 --warmup 50 --seed 10
