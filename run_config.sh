#!/bin/sh
# Train one configuration file in the background.
set -eu
root=$(cd "$(dirname "$0")" && pwd)
. "$root/tools/shell/common"

usage() {
    cat <<'TEXT'
usage: sh run_config.sh [CONFIG] [GPU] [OPTION ...]

Train a configuration file in the background; what it prints goes to run_config_NAME.out, of a later start to
run_config_NAME_2.out and so on. Without CONFIG: DIDA from GTA to Cityscapes, configs/dida/gta2cs_dida.py.
GPU is a number (or several: 0,1), or cpu; without it the first GPU, or the CPU if there is none. A GPU that is not
there is an error.
Options are those of run_experiments.py.

examples:
  sh run_config.sh configs/dida/gta2cs_dida.py 0 --dry-run
  sh run_config.sh 0 --dry-run
  sh run_config.sh CONFIG cpu --dry-run --cfg-options runner.max_iters=2
TEXT
}

answer_help "${1-}"
config=$root/configs/dida/gta2cs_dida.py
if [ -f "$1" ] || ! is_gpu "$1"; then
    config=$1
    shift
fi
[ -f "$config" ] || fail "$config: no such file; expected a configuration, Python or JSON."
gpu=
if is_gpu "${1-}"; then
    gpu=$1
    shift
fi
MMSEG_SCRIPT=$0 MMSEG_GPU=$gpu
export MMSEG_SCRIPT MMSEG_GPU
name=$(basename "$config")
in_background "run_config_${name%.*}" "$gpu" "$python" "$root/run_experiments.py" --config "$config" "$@"
