#!/usr/bin/env bash
# MetaStyle's start in four phases, each of which resumes where it stopped.
#   DATA=folder with content/ and style/  [ENCODER=compact|FILE]  [DEVICE=cuda]  [WIDTH=16]
#   [START=a start to go on from, instead of phases 1 and 2]  [IDENTITY_STEPS=800]
#   [AVERAGE_STEPS=4000] [META_STEPS=4000] [INNER_STEPS=1] [INNER_LR=0.08] [BEFORE_WEIGHT=0.25]
#   [LOGARITHM=--logarithm] [EMA=0.998] [REPTILE_STEPS=2000] [REPTILE=20] [REPTILE_CROP=160]
#   [REPTILE_OBJECTIVE=matching] [CONTENTS=1] [STYLES=2] [META_STYLES=3] [CROP=192] [STYLE_CROP=256] [RESIZE_MAX=256] [STYLE_WEIGHT=2]
#   [AVERAGE_LR=1e-3] [LR=3e-4] [DECAY=1e-4] [SEED=4]  recipes/metastyle.sh
# The defaults are for one CPU core that multiplies bfloat16: half a second a step in phase 2, a
# second and a quarter in phase 3, two seconds in phase 4. The model card lists the runs behind the bundled start. On a GPU:
#   CONTENTS=4 STYLES=8 META_STYLES=8 CROP=256 STYLE_CROP=256 RESIZE_MAX=288 AVERAGE_STEPS=10000 META_STEPS=10000
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
styles=(--content-batch "${CONTENTS:-1}" --crop "${CROP:-192}"
  --style-crop "${STYLE_CROP:-256}" --resize-max "${RESIZE_MAX:-256}"
  --style-weight "${STYLE_WEIGHT:-2}" --tv-weight 1 --decay "${DECAY:-1e-4}" --warmup 50 --seed "${SEED:-4}")
if [ -z "${START:-}" ]; then
  # First a network that reproduces its content: cheap (the encoder's first block is enough), and
  # what follows is ahead, within minutes, of training from random weights after an hour.
  train "$OUT/identity" --crop 96 --steps "${IDENTITY_STEPS:-800}" --inner-steps 0 \
    --content-level relu1_2 --style-weight 0 --content-batch 4 --style-batch 1 --style-crop 32 \
    --resize-max 160 --lr 3e-3 --decay 2e-3 --warmup 20 --seed 1
  # Then the average of all styles, without an inner loop: its steps take half the time.
  train "$OUT/average" --steps "${AVERAGE_STEPS:-4000}" --start "$OUT/identity/weights.safetensors" \
    --inner-steps 0 --lr "${AVERAGE_LR:-1e-3}" --ema 0.998 --style-batch "${STYLES:-2}" "${styles[@]}"
fi
# Then Algorithm 1, exact second order, on the logarithm of the losses: dark and flat styles would
# count a hundred times as much as others, and the inner step explode for them. Without a share of
# the loss before the inner step that loss climbs, and the one after it is no lower. The bundled start
# went on from the mean (recipes/mean.py) of such a run and one with LOGARITHM= BEFORE_WEIGHT=0 INNER_LR=0.015
# META_STYLES=2 META_STEPS=829 EMA=0.995 SEED=41.
train "$OUT/metastyle" --steps "${META_STEPS:-4000}" --start "${START:-$OUT/average/weights.safetensors}" \
  --inner-steps "${INNER_STEPS:-1}" --inner-lr "${INNER_LR:-0.08}" ${LOGARITHM---logarithm} \
  --before-weight "${BEFORE_WEIGHT:-0.25}" --style-batch "${META_STYLES:-3}" \
  --lr "${LR:-3e-4}" --ema "${EMA:-0.998}" "${styles[@]}"
# At last Reptile: what is good after one step of γ and β need not be after many of Adam on all
# weights, which is how a start is used. From here on there are no inner steps. Matching is what
# adaptations minimise; with REPTILE_OBJECTIVE=relative they weigh style and evenness by themselves.
train "$OUT/reptile" --steps "${REPTILE_STEPS:-2000}" --start "$OUT/metastyle/weights.safetensors" \
  --objective "${REPTILE_OBJECTIVE:-matching}" --reptile "${REPTILE:-20}" --inner-steps 0 \
  --style-batch 1 --lr "${REPTILE_LR:-5e-4}" --ema 0.99 \
  "${styles[@]}" --crop "${REPTILE_CROP:-160}" --decay "${REPTILE_DECAY:-1e-3}" --warmup 20 \
  --style-weight "${REPTILE_STYLE_WEIGHT:-0.1}" --tv-weight 0
