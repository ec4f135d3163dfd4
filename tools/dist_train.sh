#!/bin/sh
# Train on several GPUs of this machine, with the words that mmsegmentation's users know.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/shell/common"

usage() {
    cat <<'TEXT'
usage: sh tools/dist_train.sh CONFIG GPUS [OPTION ...]

The same as torchrun --standalone --nproc-per-node GPUS tools/train.py CONFIG [OPTION ...]. Each process takes
data.samples_per_gpu images of either domain, and all of them train what one process with as many images would.

examples:
  sh tools/dist_train.sh CONFIG 2 --work-dir dist --cfg-options runner.max_iters=2
TEXT
}

answer_help "${1-}"
[ $# -ge 2 ] || { usage >&2; exit 2; }
config=$1 processes=$2
shift 2
exec "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" "$root/tools/train.py" "$config" "$@"
