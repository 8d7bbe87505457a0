# etcd, API server, controllers and scheduler.

start_etcd() {
    local durability=()
    # Nobody needs this data after a power cut, and fsync is most of the time of a start. Older
    # ones cannot leave it out: theirs is in memory.
    if [ "$version" = v1.20 ]; then
        mkdir -p "$state/etcd"
        in_node mountpoint -q "$state/etcd" || in_node mount -t tmpfs -o mode=0700 etcd "$state/etcd"
    else
        durability=(--unsafe-no-fsync)
    fi
    start_component etcd "$programs/libexec/etcd" --name "$node" --data-dir "$state/etcd" \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --log-level warn "${durability[@]}"
}

start_apiserver() {
    local flags=()
    [ "$version" != v1.20 ] || flags=(--insecure-port=0)
    start_component kube-apiserver "$programs/libexec/kube-apiserver" \
        --etcd-servers=http://127.0.0.1:2379 \
        --bind-address=0.0.0.0 --advertise-address="$node_address" --secure-port=6443 \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --client-ca-file="$pki/authority.crt" \
        --kubelet-client-certificate="$pki/apiserver-to-kubelet.crt" \
        --kubelet-client-key="$pki/apiserver-to-kubelet.key" \
        --kubelet-certificate-authority="$pki/authority.crt" \
        --kubelet-preferred-address-types=InternalIP \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-signing-key-file="$pki/tokens.key" \
        --service-account-key-file="$pki/tokens.pub" \
        --service-cluster-ip-range="$service_range" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --allow-privileged=true \
        --requestheader-client-ca-file="$pki/front-proxy-authority.crt" \
        --requestheader-allowed-names=front-proxy --requestheader-username-headers=X-Remote-User \
        --requestheader-group-headers=X-Remote-Group \
        --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
        --enable-aggregator-routing=true "${flags[@]}"
}

# Leader election is off: with it these end when the API server is away for a while.
start_controllers() {
    start_component kube-controller-manager "$programs/libexec/kube-controller-manager" \
        --kubeconfig="$pki/controller-manager.kubeconfig" \
        --authentication-kubeconfig="$pki/controller-manager.kubeconfig" \
        --authorization-kubeconfig="$pki/controller-manager.kubeconfig" \
        --bind-address=127.0.0.1 --leader-elect=false --use-service-account-credentials \
        --service-account-private-key-file="$pki/tokens.key" --root-ca-file="$pki/authority.crt" \
        --cluster-signing-cert-file="$pki/authority.crt" \
        --cluster-signing-key-file="$pki/authority.key" \
        --flex-volume-plugin-dir="$state/flexvolume"
    start_component kube-scheduler "$programs/libexec/kube-scheduler" \
        --kubeconfig="$pki/scheduler.kubeconfig" \
        --authentication-kubeconfig="$pki/scheduler.kubeconfig" \
        --authorization-kubeconfig="$pki/scheduler.kubeconfig" \
        --bind-address=127.0.0.1 --leader-elect=false
}

kubectl() { "$programs/bin/kubectl" --kubeconfig "$kubeconfig" "$@"; }

apiserver_ready() { kubectl --request-timeout=5s get --raw /readyz; }

wait_for_apiserver() {
    eventually 240 "the API server" apiserver_ready || {
        tail -n 20 "$state/logs/kube-apiserver" >&2
        exit 1
    }
}
