# What is said on standard error, and long work that says how long it has been at it.

say() { printf '%s\n' "tests/cluster: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

# The exit code by which test programs say "skipped": this machine can not do it.
unavailable() {
    say "$*"
    exit 77
}

elapsed() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# patiently TEXT LOG COMMAND...: its output goes to the log, and a line every 10 s to the user.
patiently() {
    local text=$1 log=$2 start=$SECONDS process next=10
    shift 2
    # Killing this script must not leave the work behind.
    without_locks setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null &
    process=$!
    while kill -0 "$process" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - start >= next)); then
            say "$text... $(elapsed $((SECONDS - start))), $(wc -l <"$log") lines in $log"
            next=$((next + 10))
        fi
    done
    if ! wait "$process"; then
        tail -n 20 "$log" >&2
        fail "failed after $(elapsed $((SECONDS - start))): $text; all of its output: $log"
    fi
    if ((SECONDS - start >= 10)); then
        say "$text: done in $(elapsed $((SECONDS - start)))"
    fi
}

# eventually SECONDS TEXT COMMAND...: repeats the command until it succeeds.
eventually() {
    local limit=$1 text=$2 start=$SECONDS next=10
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS - start < limit)) || {
            say "gave up after $limit s: $text"
            return 1
        }
        if ((SECONDS - start >= next)); then
            say "waiting: $text... $(elapsed $((SECONDS - start)))"
            next=$((next + 10))
        fi
        sleep 0.3
    done
}
