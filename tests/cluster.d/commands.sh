# The command line.

usage() {
    cat <<'END'
A real, throwaway Kubernetes on this machine, for tests. Needs root.

tests/cluster [--kubernetes v1.36|v1.20] [--name NAME] COMMAND

  up                    start it (build it first if need be); prints the kubeconfig's path
  down                  end it and remove all of it but the cache
  status                whether it runs; exit code 0 if healthy
  env                   lines for a shell: eval "$(tests/cluster env)"
  user NAME [GROUP...]  print the path of a kubeconfig for a new user, who has no rights yet
  logs [COMPONENT]      print a component's log, or the names of the components
  stop-apiserver        take the API server away; pods go on running
  start-apiserver       bring it back, and wait until it is ready
  restart-apiserver     both
  stop-kubelet          take the node away: its pods go on running, but nobody can reach into them
                        or start others; the node is not ready after 40 s
  start-kubelet         bring it back, and wait until the node is ready
  add-node              a second node, node-2; without CSI storage
  cut-node              it is gone at once, as when its power fails; add-node brings it back, empty
  in-node COMMAND...    run a command in the node's mounts and network (crictl, ctr, ip, ...)

Without --kubernetes v1.36 is used, or v1.20 when v1.36 can not be had. Without --name the
cluster has the name of its version, so that one of each can run. Exit code 77: not possible on
this machine.
END
}

main() {
    local words=() command
    wanted=v1.36 explicit='' name=''
    while (($#)); do
        case $1 in
        --kubernetes=* | --name=*)
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            ;;
        --kubernetes | --name)
            (($# > 1)) || fail "$1 needs a value"
            if [ "$1" = --name ]; then name=$2; else wanted=$2 explicit=yes; fi
            shift 2
            ;;
        -h | --help) usage && return ;;
        -*) fail "unknown option $1; see --help" ;;
        in-node)
            # The rest is another program's.
            words+=("$@")
            break
            ;;
        *)
            words+=("$1")
            shift
            ;;
        esac
    done
    ((${#words[@]})) || { usage >&2 && return 2; }
    command=${words[0]}
    [ "$(id -u)" = 0 ] || unavailable "only root can make a cluster"
    mkdir -p "$clusters"

    case $command in
    up) up ;;
    down | status | env | user | logs | stop-apiserver | start-apiserver | restart-apiserver | \
        stop-kubelet | start-kubelet | add-node | cut-node | in-node)
        version=$wanted
        # When v1.36 could not be had, the cluster that "up" made is the other one.
        if [ -z "$name$explicit" ] && [ ! -e "$clusters/v1.36" ] && [ -e "$clusters/v1.20" ]; then
            version=v1.20
        fi
        name_cluster "${name:-$version}"
        load_cluster
        "command_${command//-/_}" "${words[@]:1}"
        ;;
    *) fail "unknown command $command; see --help" ;;
    esac
}

# What is known about a cluster that was started.
load_cluster() {
    pki=$state/certificates
    if [ -e "$state/version" ]; then
        version=$(<"$state/version")
        programs=$(<"$state/programs")
    fi
    csi=
    if [ -e "$state/csi-programs" ]; then
        csi=$(<"$state/csi-programs")
    fi
}

running() { process_of init >/dev/null || fail "cluster $name is not running; start it with: up"; }

# Sets $problem when it is not healthy.
healthy() {
    local component
    problem=
    for component in init etcd kube-apiserver kube-controller-manager kube-scheduler containerd \
        kubelet provisioner; do
        process_of "$component" >/dev/null || { problem="$component does not run" && return 1; }
    done
    csi_healthy || return 1
    [ -e "$state/ready" ] || { problem="its start did not end" && return 1; }
    apiserver_ready >/dev/null 2>&1 || { problem="the API server is not ready" && return 1; }
    node_ready 2>/dev/null || { problem="the node is not ready" && return 1; }
}

up() {
    # The common case first, without asking what can be built.
    if quick_up "${name:-$wanted}"; then
        return
    fi
    install_packages "${runtime_packages[@]}"
    choose_version "$wanted" "$explicit"
    wanted=$version
    # It runs Debian's; a cache that was brought here does not have it.
    [ "$wanted" != v1.20 ] || install_packages etcd-server
    build_programs "$wanted"
    build_csi "$wanted"
    build_images
    name_cluster "${name:-$wanted}"
    lock "$clusters/$name.lock" "another up or down of cluster $name"
    # It may have come up while this one waited.
    if quick_up "$name"; then
        return
    fi
    if [ -e "$state" ]; then
        say "cluster $name: $problem; starting afresh"
        remove_cluster
    fi
    version=$wanted
    programs=$(programs_folder "$version")
    start_cluster
    report
}

# Succeeds, and reports, if the cluster runs well already.
quick_up() {
    name_cluster "$1"
    problem="its start did not end"
    [ -e "$state/ready" ] || return 1
    load_cluster
    if [ "$version" != "$wanted" ] && { [ -n "$explicit" ] || [ -z "$name" ]; }; then
        fail "cluster $name runs Kubernetes $version; end it first with: down"
    fi
    healthy || return 1
    add_csi
    report
}

# To a cluster that an older version of this script started.
add_csi() {
    [ "$version" = v1.36 ] && [ ! -e "$state/csi-programs" ] && [ ! -e "$state/no-csi" ] || return 0
    build_csi "$version"
    lock "$clusters/$name.lock" "another up or down of cluster $name"
    start_csi
    unlock
}

start_cluster() {
    local start=$SECONDS
    say "starting cluster $name, Kubernetes $version"
    claim_number
    mkdir -p "$state/logs"
    echo "$version" >"$state/version"
    echo "$programs" >"$state/programs"
    make_certificates
    start_init
    make_mounts
    make_network
    make_cgroups
    start_etcd
    start_apiserver
    start_containerd
    import_images >"$state/logs/images"
    wait_for_apiserver
    start_controllers
    start_kubelet
    start_provisioner
    wait_for_node
    start_csi
    # Pods are refused until the default service account is there.
    eventually 60 "the default service account" kubectl get serviceaccount default || exit 1
    touch "$state/ready"
    healthy || fail "cluster $name: $problem; see: logs"
    say "cluster $name is ready after $((SECONDS - start)) s"
}

report() {
    echo "$kubeconfig"
    cat >&2 <<END
Kubernetes $version at $server; use it with:
  eval "\$(tests/cluster --name $name env)"    # KUBECONFIG, and kubectl $version in PATH
  export KUBECONFIG=$kubeconfig
Images: kubectl-backup-tests/{busybox,shop,noshell,pause}:1 (imagePullPolicy: IfNotPresent)
END
}

# Works from whatever state, also when half of it is dead already.
remove_cluster() {
    local mount
    end_process kubelet 5
    [ ! -e "$state/node-2" ] || of_second_node end_second_node
    remove_network_if_known
    kill_inits
    [ ! -e "$state/number" ] || remove_cgroups
    detach_loops
    # The mounts are gone with the namespace; these would be those that someone made from outside.
    tac /proc/self/mounts | while read -r _ mount _; do
        [[ $mount != "$state"/* ]] || umount -l "$mount" || true
    done
    # Never through something that is still mounted.
    rm -rf --one-file-system "$state"
}

# The kernel kills everything in the node with its process 1: containers, shims and all.
kill_inits() {
    local ids rounds=100
    while ids=$(inits) && [ -n "$ids" ] && ((rounds-- > 0)); do
        # shellcheck disable=SC2086
        kill -9 $ids 2>/dev/null || true
        sleep 0.1
    done
}

remove_network_if_known() { [ ! -e "$state/number" ] || remove_network; }

command_down() {
    lock "$clusters/$name.lock" "another up or down of cluster $name"
    [ -e "$state" ] || { say "cluster $name is not there" && return; }
    remove_cluster
    say "cluster $name is gone"
}

command_status() {
    if [ ! -e "$state" ]; then
        echo "cluster $name: not there"
        return 1
    fi
    if healthy; then
        echo "cluster $name: Kubernetes $version, healthy, $server, $kubeconfig"
    else
        echo "cluster $name: Kubernetes ${version:-?}, not healthy: $problem"
        return 1
    fi
}

command_env() {
    running
    echo "export KUBECONFIG=$kubeconfig"
    echo "export PATH=$programs/bin:\$PATH"
}

command_user() {
    (($#)) || fail "user NAME [GROUP...]"
    running
    local user=$1 folder=$state/users
    [[ $user =~ ^[A-Za-z0-9:._-]+$ ]] || fail "a user's name may have letters, digits and :._- only"
    mkdir -p "$folder"
    make_user "$folder/$user" "$@"
    echo "$folder/$user.kubeconfig"
}

command_logs() {
    if (($#)); then
        [ -e "$state/logs/$1" ] || fail "no log of $1; there are: $(cd "$state" 2>/dev/null && echo logs/*)"
        cat "$state/logs/$1"
    else
        ls "$state/logs"
    fi
}

command_stop_apiserver() {
    running
    # It would wait for open watches to end.
    end_process kube-apiserver 1
}

command_start_apiserver() {
    running
    start_apiserver
    wait_for_apiserver
}

command_restart_apiserver() {
    command_stop_apiserver
    command_start_apiserver
}

command_stop_kubelet() {
    running
    end_process kubelet 5
}

command_start_kubelet() {
    running
    start_kubelet
    wait_for_node
}

command_in_node() {
    running
    in_node "$@"
}
