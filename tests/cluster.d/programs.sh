# The programs of a Kubernetes version: built once, kept in the cache.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-backup-tests

builder() { echo "$parts/build_$1/build.sh"; }

# Folder of the built programs; changes when anything that they are built from changes.
programs_folder() {
    echo "$cache/$1-$("$(builder "$1")" hash | sha256sum | cut -c1-16)"
}

# build_programs VERSION: one build at a time on this machine; a killed one leaves only its
# temporary folder, which the next one removes.
build_programs() {
    local version=$1 folder log work
    folder=$(programs_folder "$version")
    [ ! -e "$folder/complete" ] || return 0
    mkdir -p "$cache"
    lock "$cache/build.lock" "another build"
    if [ ! -e "$folder/complete" ]; then
        # shellcheck disable=SC2046
        [ "$version" != v1.20 ] || install_packages $("$(builder "$version")" packages)
        work=$cache/building log=$cache/build-$version.log
        rm -rf "$work" "$work.source" "$folder"
        patiently "building Kubernetes $version (once; 5 to 15 minutes)" "$log" \
            "$(builder "$version")" build "$work"
        touch "$work/complete"
        mv "$work" "$folder"
        remove_old_programs "$version" "$folder"
    fi
    unlock
}

# Those of former recipes that no cluster runs.
remove_old_programs() {
    local folder
    for folder in "$cache/$1"-*; do
        [ "$folder" = "$2" ] || grep -qsxF "$folder" "$clusters"/*/programs "$clusters"/*/csi-programs || rm -rf "$folder"
    done
}

# choose_version WANTED EXPLICIT: v1.36 where it can be had, else v1.20, into $version.
choose_version() {
    version=$1
    local explicit=$2 reason
    case $version in
    v1.20 | v1.36) ;;
    *) fail "no such version here: $version (v1.36, v1.20)" ;;
    esac
    [ ! -e "$(programs_folder "$version")/complete" ] || return 0
    reason=$("$(builder "$version")" missing)
    [ -n "$reason" ] || return 0
    if [ "$version" = v1.20 ] || [ -n "$explicit" ]; then
        unavailable "Kubernetes $version can not be built here: $reason"
    fi
    say "Kubernetes $version can not be built here: $reason; trying v1.20"
    choose_version v1.20 yes
}
