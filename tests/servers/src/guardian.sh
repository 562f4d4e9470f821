# Owns one server and its folder, and outlives neither the test process nor the work: when standard input ends,
# which it does however the test process dies, the server is stopped and the folder removed.
# Arguments: a prefix for the folder's name, and the signal that stops the server.
# Each line of input is an order and gets one line of answer; the first line of output is the folder.

folder=$(mktemp -d "${TMPDIR:-/tmp}/$1-XXXXXX") || exit 1
signal=$2
server=

# The server's own children: PostgreSQL has a process for each connection.
children() {
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        rest=${line##*) }
        parent=${rest#* }
        if [ "${parent%% *}" = "$server" ]; then echo "${line%% *}"; fi
    done
}

# True once the process can't run any more: stopped, or gone.
still() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    case ${line##*) } in T* | Z*) return 0 ;; *) return 1 ;; esac
}

freeze() {
    kill -STOP "$1"
    until still "$1"; do :; done
}

# The server first: once it stands still it can't fork children that would be missed.
pause() {
    freeze "$server"
    for child in $(children); do freeze "$child"; done
}

resume() {
    kill -CONT $(children) "$server"
}

halt() {
    if [ -n "$server" ]; then
        kill "-$signal" "$server"
        resume
        wait "$server"
        server=
    fi
}

clean_up() {
    halt
    cd / && rm -rf -- "$folder"
}

trap '' PIPE
trap 'exit 1' HUP INT TERM
trap clean_up EXIT
cd "$folder" || exit 1
exec 2>>log
echo "$folder"
while read -r order words; do
    case $order in
    run) eval "$words" </dev/null >>log && echo done || echo "status $?" ;;
    start)
        eval "$words </dev/null >>log 2>&1 &"
        server=$!
        echo "$server"
        ;;
    halt) halt && echo done ;;
    # A connection's process may end by itself meanwhile, so no single signal's failure matters.
    pause | resume) if [ -n "$server" ]; then "$order"; echo done; else echo "not running"; fi ;;
    *) echo "unknown order $order" ;;
    esac
done
