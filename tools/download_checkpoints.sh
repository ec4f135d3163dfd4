#!/bin/sh
# Download pretrained weights and published checkpoints: resumable, hashes checked, instructions where it fails.
set -u

here=$(dirname "$0")
table="$here/checkpoints.txt"
python=${PYTHON:-python}

usage() {
    cat <<'TEXT'
usage: download_checkpoints.sh [--help] [--list] [--dry-run] [--table FILE] [--from FOLDER_OR_URL] [NAME ... | all]

Download pretrained weights into pretrained/ and published checkpoints into work_dirs/ (from the root of the repository).
Without a name: lists all, then takes the usual ones (a line of the table names them).

  --list             the names, where they go, and whether they are there
  --dry-run          say what would be done
  --table FILE       another list of files (default: tools/checkpoints.txt, which explains the columns)
  --from URL         take the files from there, by their names: a mirror (http://..., file://...), or files you already have

A download that was cut off goes on where it stopped. A file whose content is not what was published is deleted.

examples:
  sh tools/download_checkpoints.sh --list
  sh tools/download_checkpoints.sh --dry-run
  sh tools/download_checkpoints.sh --dry-run mit_b5 hrda

with a network:
    sh tools/download_checkpoints.sh mit_b5
    sh tools/download_checkpoints.sh --from http://mirror.example/weights mit_b3 mit_b4 mit_b5
    sh tools/download_checkpoints.sh --from file://$HOME/Downloads hrda daformer
TEXT
}

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

hash_of() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

file_name() { # of what is downloaded
    if [ "$address" != - ]; then basename "$address"; else echo "$(basename "$target").tar.gz"; fi
}

place() { # address of the file, '-' if nobody serves it
    if [ -n "$mirror" ]; then echo "${mirror%/}/$(file_name)"; else echo "$address"; fi
}

by_hand() {
    file=$(file_name)
    if [ "$address" = - ]; then
        complain "  Get $file by hand: the README of the project that published it (DAFormer, HRDA) links to it on Google Drive."
    else
        complain "  Get it by hand: open $address in a browser, on any machine."
    fi
    complain "  Then run: sh tools/download_checkpoints.sh --from file://FOLDER_OF_THE_FILE $name"
    [ "$action" != mit ] || complain "  The official $name.pth, which SegFormer's README links to, serves as well: put it at $target."
}

curl_to() { # address, file
    curl --fail --location --retry 2 --connect-timeout 20 --silent --show-error --continue-at - --output "$2" "$1"
}

fetch() { # address, file: go on with what is there
    if command -v curl >/dev/null 2>&1; then
        curl_to "$1" "$2"
        code=$?
        [ $code -eq 33 ] || return $code
        rm "$2" # the server cannot go on in the middle of a file
        curl_to "$1" "$2"
    else
        wget --quiet --tries 3 --timeout 20 --continue --output-document "$2" "$1"
    fi
}

right_hash() { # file: whether its content is what was published, as far as that is known
    [ "$hash" = - ] && return 0
    case $(hash_of "$1") in "$hash"*) return 0 ;; *) return 1 ;; esac
}

finish() { # file: bring it to its place
    case $action in
        keep) mv "$1" "$target" ;;
        mit) "$python" "$here/convert_weights.py" "$1" "$target" >/dev/null && rm "$1" ;;
        unpack)
            if tar -tzf "$1" | grep -Eq '^/|(^|/)\.\.(/|$)'; then
                complain "  $1 would write outside of $(dirname "$target"); it is left as it is."
                return 1
            fi
            tar -xzf "$1" -C "$(dirname "$target")" && rm "$1" ;;
        *) complain "  $table: $name has the action '$action'; expected keep, mit or unpack."; return 1 ;;
    esac
}

get() { # one line of the table
    if [ -e "$target" ]; then say "$name: $target is there"; return 0; fi
    from=$(place)
    if [ "$dry" = yes ]; then say "$name: $from -> $target ($action, sha256 $hash)"; return 0; fi
    if [ "$from" = - ]; then complain "$name: cannot be downloaded by a program."; by_hand; return 1; fi
    say "$name: $from -> $target"
    part="$(dirname "$target")/.$(file_name).part"
    mkdir -p "$(dirname "$target")"
    if ! { [ -e "$part" ] && [ "$hash" != - ] && right_hash "$part"; } && ! fetch "$from" "$part"; then
        complain "$name: the download failed. What has arrived is kept; the same command goes on from there."
        by_hand
        return 1
    fi
    if ! right_hash "$part"; then
        complain "$name: the content is not what was published: sha256 $(hash_of "$part"), expected $hash... It was deleted."
        rm -f "$part"
        by_hand
        return 1
    fi
    if ! finish "$part"; then
        complain "$name: $part arrived, but cannot be used (see above); delete it to download it again."
        by_hand
        return 1
    fi
    say "$name: done"
}

known() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$table"; }

list() {
    known | while read -r name target hash action address; do
        if [ -e "$target" ]; then there='is there'; else there='-'; fi
        printf '%-18s %-52s %s\n' "$name" "$target" "$there"
    done
}

dry=no mirror='' wanted='' listed=no
while [ $# -gt 0 ]; do
    case $1 in
        -h|--help) usage; exit 0 ;;
        --list) listed=yes ;;
        --dry-run) dry=yes ;;
        --table|--from)
            [ $# -gt 1 ] || { complain "$1 needs a value."; exit 2; }
            if [ "$1" = --table ]; then table=$2; else mirror=$2; fi
            shift ;;
        -*) complain "$1 is not known; --help shows the options."; exit 2 ;;
        *) wanted="$wanted $1" ;;
    esac
    shift
done
[ -r "$table" ] || { complain "$table cannot be read."; exit 2; }
if [ $listed = yes ]; then list; exit 0; fi
if [ -z "$wanted" ]; then
    list
    wanted=$(sed -n 's/^# usual: *//p' "$table")
    say "usual ones: $wanted"
fi
[ "$wanted" != ' all' ] || wanted=$(known | cut -d ' ' -f 1)

failed=''
for name in $wanted; do
    line=$(known | grep "^$name[[:space:]]" | head -n 1)
    if [ -z "$line" ]; then complain "$name is not known; --list shows the names."; exit 2; fi
    read -r name target hash action address <<LINE
$line
LINE
    get || failed="$failed $name"
done
[ -z "$failed" ] || { complain "not there:$failed"; exit 1; }
