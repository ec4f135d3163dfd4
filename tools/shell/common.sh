# What the scripts at the root of the repository share; they source it after setting $root.

# The environment's Python if there is one here, else that of the PATH; PYTHON=... chooses another.
python=${PYTHON:-python}
if [ -z "${PYTHON-}" ] && [ -x "$root/.venv/bin/python" ]; then python=$root/.venv/bin/python; fi
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
export PYTHONPATH

# answer_help FIRST_ARGUMENT: print what `usage` prints and leave, if that is asked for or nothing is given.
answer_help() {
    case $1 in
        -h | --help) usage; exit 0 ;;
        '') usage >&2; exit 2 ;;
    esac
}

fail() {
    echo "$1" >&2
    exit 2
}

# find_run FOLDER: set $folder (without slashes at the end), $config and $checkpoint of a run.
# Published folders and their configurations end in the same letter; else the only configuration counts.
find_run() {
    folder=$1
    while [ "$folder" != "${folder%/}" ] && [ "$folder" != / ]; do folder=${folder%/}; done
    [ -d "$folder" ] || fail "$folder: no such folder; expected the folder of a run, such as work_dirs/NAME."
    checkpoint=$folder/latest.pth
    [ -e "$checkpoint" ] || fail "$folder: holds no latest.pth; expected the folder of a run that saved a checkpoint."
    config=
    for file in "$folder"/*"${folder#"${folder%?}"}".json "$folder"/*.json "$folder"/*.py; do
        case $file in
            *.log.json | */result_*.json) continue ;;
        esac
        if [ -f "$file" ]; then config=$file; break; fi
    done
    [ -n "$config" ] || fail "$folder: holds no configuration (NAME.json or NAME.py beside latest.pth)."
}

# in_background OUTPUT GPU COMMAND...: GPU is a number, numbers with commas, 'cpu', or empty for what there is.
in_background() {
    output=$1 gpu=$2
    shift 2
    case $gpu in
        '') ;;
        cpu) CUDA_VISIBLE_DEVICES=; export CUDA_VISIBLE_DEVICES ;;
        *) CUDA_VISIBLE_DEVICES=$gpu; export CUDA_VISIBLE_DEVICES ;;
    esac
    nohup "$@" >"$output" 2>&1 </dev/null &
    echo "Started process $!, which writes to $output"
}

# is_gpu WORD: whether it says where to run.
is_gpu() {
    case $1 in
        cpu) return 0 ;;
        '' | *[!0-9,]*) return 1 ;;
    esac
}
