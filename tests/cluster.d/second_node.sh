# A second node, only for tests that ask for it: namespaces, containerd and kubelet of its own. It
# is connected to the first one, which routes for it. CSI volumes stay on the first one.

# of_second_node COMMAND...: the functions of a node, about the second one.
of_second_node() (
    first_init=$(process_of init) || first_init=
    first_address=$node_address first_pki=$pki
    node=node-2 node_address=10.231.$number.3 pod_range=10.234.$number.0/24 cgroup+=-node-2
    state+=/node-2 pki=$state/certificates
    "$@"
)

start_second_node() {
    ! process_of init >/dev/null || fail "there is a second node already"
    mkdir -p "$state/logs" "$pki"
    cp "$first_pki"/authority.{crt,key} "$pki/"
    make_certificate "$pki/kubelet-server" "$pki/authority" "/CN=$node" "DNS:$node,IP:$node_address"
    make_user "$pki/kubelet" "system:node:$node" system:nodes
    start_init
    make_mounts
    connect_second_node
    make_cgroups
    start_containerd
    import_images >"$state/logs/images"
    start_kubelet
    wait_for_node
}

# Nothing but the cable is new for the first node: it says the second one's address is its own.
connect_second_node() {
    local init
    init=$(process_of init)
    nsenter --target "$first_init" --net -- sh -ec "
        ip link delete $node 2>/dev/null || true
        ip link add $node type veth peer name eth0 netns $init
        ip link set $node up
        ip route add $node_address/32 dev $node
        ip route add $pod_range via $node_address dev $node onlink
        echo 1 >/proc/sys/net/ipv4/conf/eth0/proxy_arp
        echo 1 >/proc/sys/net/ipv4/conf/$node/proxy_arp
    "
    in_node sh -ec "
        ip link set lo up
        ip address add $node_address/24 dev eth0
        ip link set eth0 up
        ip route add default via $first_address
        ip route add unreachable 169.254.0.0/16
        echo 1 >/proc/sys/net/ipv4/ip_forward
        iptables -t nat -A PREROUTING -d $service_address -p tcp --dport 443 \
            -j DNAT --to-destination $first_address:6443
    "
    ip route replace "$pod_range" via "$first_address" dev "$link"
}

# All at once, as when the power fails.
end_second_node() {
    kill_inits
    remove_cgroups
    rm -rf --one-file-system "$state"
}

command_add_node() {
    running
    build_images
    lock "$clusters/$name.lock" "another up or down of cluster $name"
    of_second_node start_second_node
    say "cluster $name has a second node: node-2"
}

command_cut_node() {
    running
    lock "$clusters/$name.lock" "another up or down of cluster $name"
    [ -e "$state/node-2" ] || fail "there is no second node; make it with: add-node"
    of_second_node end_second_node
}
