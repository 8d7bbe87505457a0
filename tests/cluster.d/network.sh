# The node's network: a cable between the host and the node's namespace. All ports of the
# components are inside of that namespace, where no other cluster can be in their way.

make_network() {
    local init
    init=$(process_of init)
    ip link delete "$link" 2>/dev/null || true
    ip link add "$link" type veth peer name eth0 netns "$init"
    ip address add "$host_address/24" dev "$link"
    ip link set "$link" up
    in_node sh -ec "
        ip link set lo up
        ip address add $node_address/24 dev eth0
        ip link set eth0 up
        ip route add default via $host_address
        # Kubernetes 1.20 looks there for a cloud, and waits long for an answer.
        ip route add unreachable 169.254.0.0/16
        echo 1 >/proc/sys/net/ipv4/ip_forward
        # There is no kube-proxy; the one service that every pod expects is the API server.
        iptables -t nat -A PREROUTING -d $service_address -p tcp --dport 443 \
            -j DNAT --to-destination $node_address:6443
    "
    # Pods can be reached from the host, as it is with many cluster networks.
    ip route add "$pod_range" via "$node_address" dev "$link"
}

remove_network() {
    ip link delete "$link" 2>/dev/null || true
}
