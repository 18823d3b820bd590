#!/usr/bin/env bash
# AdaIN's decoder in four phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [LEVEL=relu4_1]  [DEVICE=cuda]
#   [SKIPS=relu2_1,relu3_1|none] [IDENTITY_STEPS=600] [FIRST_STEPS=1290] [STEPS=6000] [LARGE_STEPS=0]
#   recipes/adain.sh
# The defaults are for one CPU core that multiplies bfloat16, an hour: a step takes 0.15 s in the
# first phase and 0.4 s in the next two. 0 steps leave a phase out; the last did not pay (model card). With VGG: SKIPS=none.
# On a GPU: FIRST_STEPS=0 STEPS=0 LARGE_STEPS=20000 LARGE_BATCH=8
set -euo pipefail
OUT=${OUT:-runs}
WEIGHTS=${START:-}
train() { # folder, steps, options …
  local folder=$1 steps=$2
  shift 2
  [ "$steps" -gt 0 ] || return 0
  "${PYTHON:-.venv/bin/python}" -m gesso train adain -o "$folder" --steps "$steps" \
    --contents "$DATA/content" --styles "$DATA/style" --encoder "${ENCODER:-compact}" \
    --level "${LEVEL:-relu4_1}" --skips "${SKIPS:-relu2_1,relu3_1}" --grad-clip 1 \
    --device "${DEVICE:-cpu}" --workers 1 --threads "${THREADS:-1}" --save-every 100 --sample-every 250 \
    $([ -n "$WEIGHTS" ] && echo --start "$WEIGHTS") \
    $([ -f "$folder/checkpoint.safetensors" ] && echo --resume) "$@"
  WEIGHTS=$folder/weights.safetensors
}
small="--batch 4 --crop 128 --resize-max 256"
# First a decoder that gives back its content, pixel by pixel: a third of the cost of a step on styles.
train "$OUT/adain_identity" "${IDENTITY_STEPS:-600}" $small \
  --style-weight 0 --content-weight 0 --range-weight 0 --identity-weight 10 --lr 2e-3 --warmup 20 --seed 1
# Then content and style, with more and more weight on the style; the error of the content as it is
# stays in, so that detail does.
train "$OUT/adain_first" "${FIRST_STEPS:-1290}" $small --style-weight 5 --identity-weight 20 --lr 1e-3 --warmup 50 --seed 2
train "$OUT/adain_styles" "${STEPS:-6000}" $small --style-weight 10 --identity-weight 30 --lr 1e-3 --warmup 50 --seed 5
train "$OUT/adain" "${LARGE_STEPS:-0}" --batch "${LARGE_BATCH:-2}" --crop 240 --resize-max 384 \
  --style-weight 20 --identity-weight 60 --lr 5e-4 --warmup 50 --seed 6
