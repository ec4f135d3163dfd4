#!/bin/sh
# Test on several GPUs of this machine, with the words that mmsegmentation's users know.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/shell/common"

usage() {
    cat <<'TEXT'
usage: sh tools/dist_test.sh CONFIG CHECKPOINT GPUS [OPTION ...]

The same as torchrun --standalone --nproc-per-node GPUS tools/test.py CONFIG CHECKPOINT [OPTION ...]. The pictures are
shared out; scores and files are those of one process.

examples:
  sh tools/dist_test.sh CONFIG CHECKPOINT 2 --eval mIoU
TEXT
}

answer_help "${1-}"
[ $# -ge 3 ] || { usage >&2; exit 2; }
config=$1 checkpoint=$2 processes=$3
shift 3
exec "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" "$root/tools/test.py" \
    "$config" "$checkpoint" "$@"
