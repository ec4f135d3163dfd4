#!/bin/sh
# Test the run of a folder.
set -eu
root=$(cd "$(dirname "$0")" && pwd)
. "$root/tools/shell/common"

usage() {
    cat <<'TEXT'
usage: sh test.sh WORK_DIR [OPTION ...]

Test latest.pth of a run's folder with the configuration that lies beside it: a table of all classes, which also goes
to WORK_DIR/preds/pre_log.out, and predictions as pictures in WORK_DIR/preds. Options are those of tools/test.py; with
--hrda-out LR, HR or ATT (the attention of HRDA, which has no scores) the folder is WORK_DIR/preds_LR, ...

examples:
  sh test.sh WORK_DIR
  sh test.sh WORK_DIR/ --network teacher
  sh test.sh HRDA_WORK_DIR --hrda-out ATT
TEXT
}

answer_help "${1-}"
find_run "$1"
shift
shown= before=
for word in "$@"; do
    case $before in --hrda-out) shown=$word ;; esac
    case $word in --hrda-out=*) shown=${word#*=} ;; esac
    before=$word
done
preds=$folder/preds${shown:+_$shown}
[ "$shown" = ATT ] || set -- --eval mIoU "$@"
echo "Config file: $config"
echo "Checkpoint: $checkpoint"
echo "Predictions: $preds"
for place in "$preds" "$preds/pre_log.out"; do
    [ ! -L "$place" ] || fail "$place: a link, through which files elsewhere would be changed. Remove it."
done
mkdir -p "$preds"
# The exit status is that of the test, not that of tee.
{
    status=$({
        {
            code=0
            "$python" "$root/tools/test.py" "$config" "$checkpoint" --show-dir "$preds" --opacity 1 "$@" 2>&1 3>&- 4>&- || code=$?
            echo $code >&3
        } | tee "$preds/pre_log.out" >&4
    } 3>&1)
} 4>&1
exit "$status"
