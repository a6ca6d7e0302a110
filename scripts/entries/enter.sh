#!/bin/sh
# The commands behind our own entries; those that have a record are left out, so that an interrupted
# run goes on with the next.
#
#     sh scripts/entries/enter.sh                      # all: most of a day on one core
#     sh scripts/entries/enter.sh gru tcn              # some, by the names of their files
#     TRACKS=noisy sh scripts/entries/enter.sh gru     # in one of the two accuracy tracks
#
# MiniRocket is left out unless PYTHON is that of the environment that its file describes.
set -e
paper=https://arxiv.org/abs/2011.14439
rocket=https://arxiv.org/abs/1910.13051
muon=https://github.com/KellerJordan/Muon
sklearn=https://scikit-learn.org/stable/modules
chosen=$*
tracks=${TRACKS:-default noisy}
python=${PYTHON:-python}

enter() { # folder, file, track, name, link, remark, and more options
  case " ${chosen:-$2} " in *" $2 "*) ;; *) return 0 ;; esac
  slug=$(echo "$4" | tr 'A-Z' 'a-z' | sed -E 's/[^a-z0-9]+/-/g; s/^-|-$//g')
  [ -e "dataset_card/leaderboard/$3/$slug.json" ] && return 0
  "$python" scripts/submit.py "scripts/$1/$2.py" --track "$3" --name "$4" \
    --author mnist1d_hf --link "$5" --remark "$6" $7
}

# minutes each
enter speedrun ridge seconds-94 "random convolutions, maxima and minima" $rocket \
  "64 kernels in one matrix product; ridge regression"
enter speedrun cnn seconds-99 "convolutions, hand-written gradients" $muon \
  "three convolutions with Muon; gradients without autograd"
for track in $tracks; do
  enter entries logistic $track "logistic regression" $paper "recipe of the paper"
  enter entries mlp $track MLP $paper "recipe of the paper"
  enter entries boosted_trees $track "boosted trees" $sklearn/ensemble.html \
    "scikit-learn's histogram gradient boosting with its defaults"
  enter entries cnn $track CNN $paper "recipe of the paper"
  enter entries svm $track "support vector machine" $sklearn/svm.html \
    "scikit-learn, Gaussian kernel, C = 10"
  enter speedrun cnn $track "speedrun to 99 %" $muon \
    "the fastest entry at 99 %: three convolutions with Muon, 16 epochs"
done
# up to an hour each; the strongest comes last, since the leader is run beside every new entry
for track in $tracks; do
  enter entries rocket $track ROCKET $rocket "pyts, 1,000 kernels; ridge regression"
  enter entries gru $track GRU $paper "recipe of the paper"
  enter entries nearest_dtw $track "nearest neighbour, DTW" https://arxiv.org/abs/1602.01711 \
    "one neighbour, warping without a band"
  if "$python" -c "import aeon" 2> /dev/null; then
    enter entries minirocket $track MiniRocket https://arxiv.org/abs/2012.08791 "aeon's defaults"
  fi
  enter entries transformer $track Transformer $paper \
    "four layers behind two convolutions; recipe of this package"
  enter entries tcn $track TCN $paper "dilated residual blocks; recipe of this package"
done
# twenty trainings of three networks: 2,000 examples reach 99 %, and 1,414 do not
enter entries few_rows rows-99 "three networks, long trainings" $muon \
  "three convolutions, three networks, three positions of each test signal" "--rows 2000"
