#!/bin/sh
# Segment pictures with the network of a run's folder.
set -eu
root=$(cd "$(dirname "$0")" && pwd)
. "$root/tools/shell/common"

usage() {
    cat <<'TEXT'
usage: sh demo.sh IMAGE WORK_DIR [OPTION ...]
       sh demo.sh IMAGE CONFIG CHECKPOINT [OPTION ...]
       sh demo.sh CONFIG CHECKPOINT [OPTION ...]

Segment a picture, a video or a folder of them with the network of a run's folder (its configuration and latest.pth)
or of any configuration and checkpoint. Options are those of demo/image_demo.py. Without a picture: the pictures that
the configuration tests on, into the folder demo_predictions, with options of tools/test.py; where they are not there,
demo/street.jpg, a drawn one that comes along.

examples:
  sh demo.sh IMAGE WORK_DIR/
  sh demo.sh CONFIG CHECKPOINT --opacity 0.7
  sh demo.sh IMAGES CONFIG CHECKPOINT --out-dir predictions
TEXT
}

answer_help "${1-}"
[ $# -ge 2 ] || { usage >&2; exit 2; }
case $1 in
    *.py | *.json)
        echo "Predictions: demo_predictions"
        if "$python" "$root/tools/shell/has_data.py" "$@" >/dev/null; then
            exec "$python" "$root/tools/test.py" --show-dir demo_predictions "$@"
        fi
        echo "The pictures that $1 tests on are not here; a drawn street is taken instead."
        exec "$python" "$root/demo/image_demo.py" "$root/demo/street.jpg" "$@" --out-dir demo_predictions ;;
esac
image=$1
if [ -f "$2" ]; then
    shift
    exec "$python" "$root/demo/image_demo.py" "$image" "$@"
fi
find_run "$2"
shift 2
exec "$python" "$root/demo/image_demo.py" "$image" "$config" "$checkpoint" "$@"
