# The node: its mounts and cgroups, containerd and kubelet.

# Each folder that programs insist on finding at one place of the machine becomes one of the
# cluster's own there, inside of the node's mount namespace.
node_folders=(/run/containerd /run/netns /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers)

make_mounts() {
    local folder script='
        mount --make-rshared /
        mount -t proc proc /proc
    '
    for folder in "${node_folders[@]}"; do
        # These few empty folders are all that a cluster leaves on the machine. They are not
        # removed: another cluster may have something mounted there.
        mkdir -p "$folder" "$state/mounts$folder"
        script+="mount --bind '$state/mounts$folder' '$folder'
        "
    done
    # Nothing in the node is to ask the machine's name servers, which it could not reach; with
    # none in the file a question is refused at once.
    echo "# no name server" >"$state/resolv.conf"
    if [ -e /etc/resolv.conf ]; then
        script+="mount --bind '$state/resolv.conf' /etc/resolv.conf"
    fi
    in_node sh -ec "$script"
}

# cgroup version 1: a folder in each hierarchy; version 2: one folder.
cgroup_folders() {
    local hierarchy
    if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
        echo "/sys/fs/cgroup/$cgroup"
    else
        for hierarchy in /sys/fs/cgroup/*/; do
            [ -L "${hierarchy%/}" ] || [ ! -e "$hierarchy/cgroup.procs" ] || echo "$hierarchy$cgroup"
        done
    fi
}

make_cgroups() {
    local folder file
    while read -r folder; do
        mkdir -p "$folder"
        # A new cpuset has no processors, and then nothing can run in it.
        for file in cpuset.cpus cpuset.mems; do
            if [ -e "${folder%/*}/$file" ]; then
                cat "${folder%/*}/$file" >"$folder/$file"
            fi
        done
        if [ -e "$folder/cgroup.controllers" ] && [ "${folder%/*}" = /sys/fs/cgroup ]; then
            delegate_controllers "$folder"
        fi
    done < <(cgroup_folders)
}

# cgroup version 2 only: kubelet wants its controllers in the folder that it gets.
delegate_controllers() {
    local controller
    for controller in $(<"${1%/*}/cgroup.controllers"); do
        echo "+$controller" >"${1%/*}/cgroup.subtree_control" 2>/dev/null ||
            say "cgroup controller $controller can not be delegated"
    done
    for controller in $(<"$1/cgroup.controllers"); do
        echo "+$controller" >"$1/cgroup.subtree_control" 2>/dev/null || true
    done
}

remove_cgroups() {
    local folder
    while read -r folder; do
        [ ! -e "$folder" ] || find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done < <(cgroup_folders)
}

start_containerd() {
    local snapshotter=overlayfs
    # An overlay can not lie upon an overlay (in a container, say).
    [ "$(stat -f -c %T "$state")" != overlayfs ] || snapshotter=native
    mkdir -p "$state/cni"
    cat >"$state/cni/10-bridge.conflist" <<END
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": "$pod_range"}]],
               "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
END
    cat >"$state/containerd.toml" <<END
version = 2
root = "$state/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "kubectl-backup-tests/pause:1"
  # Without CAP_SYS_RESOURCE a score below one's own can not be set, and runc would fail.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "$snapshotter"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$state/cni"
END
    start_component containerd containerd --config "$state/containerd.toml"
    eventually 120 containerd in_node ctr version || {
        tail -n 20 "$state/logs/containerd" >&2
        exit 1
    }
}

start_kubelet() {
    local flags=() newer=
    if [ "$version" = v1.20 ]; then
        flags=(--container-runtime=remote
            --container-runtime-endpoint=unix:///run/containerd/containerd.sock)
    else
        newer='containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
failCgroupV1: false'
    fi
    # Pods get the address of a DNS service that is not there, since kubelet else warns at every
    # pod, and the events would be full of it.
    cat >"$state/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_address
tlsCertFile: $pki/kubelet-server.crt
tlsPrivateKeyFile: $pki/kubelet-server.key
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $pki/authority.crt}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
clusterDNS: [${service_address%.*}.10]
clusterDomain: cluster.local
failSwapOn: false
oomScoreAdj: 0
readOnlyPort: 0
volumePluginDir: $state/flexvolume
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard:
  memory.available: 50Mi
  nodefs.available: 200Mi
  nodefs.inodesFree: 1%
  imagefs.available: 200Mi
syncFrequency: 10s
# Pods whose disk is too full are found after seconds, not after a minute.
volumeStatsAggPeriod: 5s
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 5m
$newer
END
    start_component kubelet "$programs/libexec/kubelet" --config="$state/kubelet.yaml" \
        --kubeconfig="$pki/kubelet.kubeconfig" --hostname-override="$node" \
        --node-ip="$node_address" --root-dir=/var/lib/kubelet "${flags[@]}"
}

node_ready() {
    [ "$(kubectl --request-timeout=5s get node "$node" \
        -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

wait_for_node() {
    eventually 120 "the node" node_ready || {
        tail -n 20 "$state/logs/kubelet" >&2
        exit 1
    }
}
