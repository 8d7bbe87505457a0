# What a cluster is called and which addresses are its own.

clusters=/var/tmp/kubectl-backup-tests

# Everything of a cluster that must differ from its neighbours comes from its name and its number,
# the lowest that no other cluster has.
name_cluster() {
    name=$1
    [[ $name =~ ^[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?$ ]] ||
        fail "a cluster's name is 1 to 32 lower case letters, digits, dots and dashes, not: $name"
    state=$clusters/$name
    kubeconfig=$state/admin.kubeconfig
    # The node's name; in its certificate and in the volumes' affinity.
    node="node-1"
    if [ -e "$state/number" ]; then
        number_cluster "$(<"$state/number")"
    fi
}

number_cluster() {
    number=$1
    link=kbt$number                # the host's end of the cable to the node
    host_address=10.231.$number.1
    node_address=10.231.$number.2
    pod_range=10.232.$number.0/24
    service_range=10.233.$number.0/24
    service_address=10.233.$number.1 # of the API server, for pods
    server=https://$node_address:6443
    cgroup=kubectl-backup-tests-$number
}

# Makes the cluster's folder, with a number in it.
claim_number() {
    local candidate
    lock "$clusters/numbers.lock" "another cluster's start"
    for candidate in {0..254}; do
        ! grep -qsx "$candidate" "$clusters"/*/number || continue
        # Somebody else's network?
        [ -z "$(ip -4 route show root "10.231.$candidate.0/24")" ] || continue
        mkdir -p "$state"
        echo "$candidate" >"$state/number"
        unlock
        number_cluster "$candidate"
        return
    done
    fail "255 clusters are too many"
}
