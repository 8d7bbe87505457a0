# The processes of a cluster. A process is known by its id and its start time together, so that
# another process that got the id later is never taken for it.

start_time() {
    # The name, in brackets, may hold blanks and brackets; the start time is field 22.
    local line id=$1
    line=$(cat "/proc/$id/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086
    set -- ${line##*) }
    # Its first thread is dead; as long as others are not, the process still holds its ports.
    if [ "$1" = Z ]; then
        local threads=("/proc/$id/task/"*)
        ((${#threads[@]} > 1)) || return 1
    fi
    echo "${20}"
}

record_process() { # COMPONENT ID
    local time
    time=$(start_time "$2") || return 1
    mkdir -p "$state/processes"
    echo "$2 $time" >"$state/processes/$1"
}

# The id of a component that runs.
process_of() {
    local id time
    read -r id time 2>/dev/null <"$state/processes/$1" || return 1
    [ "$(start_time "$id")" = "$time" ] || return 1
    echo "$id"
}

# end_process COMPONENT [SECONDS]: asks, then kills.
end_process() {
    local id rounds=$((${2:-10} * 10))
    if id=$(process_of "$1"); then
        kill "$id" 2>/dev/null || true
        while process_of "$1" >/dev/null && ((rounds-- > 0)); do
            sleep 0.1
        done
        ! process_of "$1" >/dev/null || kill -9 "$id" 2>/dev/null || true
        # A large process takes a while to die, and holds its port until then.
        rounds=300
        while process_of "$1" >/dev/null && ((rounds-- > 0)); do
            sleep 0.1
        done
    fi
    rm -f "$state/processes/$1"
}

# Starts process 1 of the node, and with it the namespaces of everything else.
start_init() {
    local outer inner rounds=50
    # Killing unshare kills the init, too (--kill-child), and thereby all.
    without_locks setsid unshare --mount --pid --net --fork --kill-child --propagation slave \
        "$images/idle" "$state/init-runs" >"$state/logs/init" 2>&1 </dev/null &
    outer=$!
    until inner=$(child_of "$outer"); do
        ((rounds-- > 0)) || fail "can not make the node's namespaces: $(<"$state/logs/init")"
        sleep 0.1
    done
    record_process init "$inner" || fail "the node's init died: $(<"$state/logs/init")"
    # Between its fork and its exec the child is still a copy of unshare.
    eventually 30 "the node's init" test -s "$state/init-runs" || exit 1
}

# Every init of this cluster, also one that was started but not recorded before a kill.
inits() {
    local id words
    process_of init || true
    for id in $(pgrep -f '/idle /.*/init-runs$'); do
        mapfile -d '' words <"/proc/$id/cmdline" 2>/dev/null || continue
        [ "${words[-1]:-}" != "$state/init-runs" ] || echo "$id"
    done
}

child_of() {
    local child
    child=$(pgrep -P "$1" | head -n 1)
    [ -n "$child" ] && echo "$child"
}

# in_node COMMAND...: inside the node's namespaces.
in_node() {
    local init
    init=$(process_of init) || fail "cluster $name is not running"
    nsenter --target "$init" --mount --net --pid -- "$@"
}

# start_component COMPONENT COMMAND...: in the node, in the background, logging.
start_component() {
    local component=$1 init outer inner rounds=50
    shift
    ! process_of "$component" >/dev/null || return 0
    init=$(process_of init) || fail "cluster $name is not running"
    without_locks setsid nsenter --target "$init" --mount --net --pid -- "$@" \
        >>"$state/logs/$component" 2>&1 </dev/null &
    outer=$!
    # nsenter forks once, since only a child can be in another process namespace.
    until inner=$(child_of "$outer") && record_process "$component" "$inner"; do
        if ((rounds-- == 0)) || ! kill -0 "$outer" 2>/dev/null; then
            tail -n 20 "$state/logs/$component" >&2
            fail "$component does not start"
        fi
        sleep 0.1
    done
}
