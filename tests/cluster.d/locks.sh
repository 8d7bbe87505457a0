# Locks, given back by the kernel when this script ends in whatever way. No child gets them: one
# that outlives the script would keep them.

locks=()

# lock FILE WHO
lock() {
    local descriptor
    exec {descriptor}>"$1"
    if ! flock -n "$descriptor"; then
        say "waiting for $2 to end"
        flock "$descriptor"
    fi
    locks+=("$descriptor")
}

# Gives back the last one.
unlock() {
    local descriptor=${locks[-1]}
    unset 'locks[-1]'
    exec {descriptor}>&-
}

# Becomes the command. For a background job.
without_locks() {
    local descriptor
    for descriptor in "${locks[@]}"; do
        exec {descriptor}>&-
    done
    exec "$@"
}
