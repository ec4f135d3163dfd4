#!/bin/sh
# Train the runs of a published experiment in the background.
set -eu
root=$(cd "$(dirname "$0")" && pwd)
. "$root/tools/shell/common"

usage() {
    cat <<'TEXT'
usage: sh run_exp.sh ID [GPU] [OPTION ...]

Train all runs of an experiment in the background; what they print goes to run_exp_ID.out,
of a later start to run_exp_ID_2.out and so on.
GPU is a number (or several: 0,1), or cpu; without it the first GPU, or the CPU if there is none. A GPU that is not
there is an error.
Options are those of run_experiments.py.

examples:
  sh run_exp.sh 7 0 --dry-run
  sh run_exp.sh daformer-7 cpu --dry-run --json
TEXT
}

answer_help "${1-}"
id=$1
shift
gpu=
if is_gpu "${1-}"; then
    gpu=$1
    shift
fi
MMSEG_SCRIPT=$0 MMSEG_GPU=$gpu
export MMSEG_SCRIPT MMSEG_GPU
in_background "run_exp_$id" "$gpu" "$python" "$root/run_experiments.py" --exp "$id" "$@"
