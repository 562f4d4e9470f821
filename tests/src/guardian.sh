# Owns a folder and the processes it is told of, and outlives neither the test process nor the work: when standard input
# ends, which it does however the test process dies, the processes are killed and the folder is removed.
# Input: `watch <pid>` and `forget <pid>`, each answered with a line. The first line of output is the folder.

folder=$(mktemp -d "${TMPDIR:-/tmp}/canary-tests-XXXXXX") || exit 1
watched=" "

clean_up() {
    for process in $watched; do kill -KILL "$process" 2>/dev/null; done
    cd / && rm -rf -- "$folder"
}

trap '' PIPE
trap 'exit 1' HUP INT TERM
trap clean_up EXIT
echo "$folder"
while read -r order process; do
    case $order in
    watch) watched="$watched$process " ;;
    forget) watched="${watched% "$process" *} ${watched##* "$process" }" ;;
    esac
    echo done
done
