# Storage with snapshots, clones, block volumes and all access modes: a CSI driver with its
# sidecars, all as processes of the node. Only v1.36 has it; a cluster is whole without it, too.

csi_driver=csi.tests.kubectl-backup

csi_builder() { "$parts/build_csi/build.sh" "$@"; }
csi_folder() { echo "$cache/csi-$(csi_builder hash | sha256sum | cut -c1-16)"; }

# Sets $csi: the folder of the programs; empty, and says why, where they can not be had.
build_csi() {
    local folder work reason
    csi=
    [ "$1" = v1.36 ] || return 0
    folder=$(csi_folder)
    if [ ! -e "$folder/complete" ]; then
        reason=$(csi_builder missing)
        if [ -n "$reason" ]; then
            say "no CSI storage: it can not be built here: $reason"
            return 0
        fi
        lock "$cache/build.lock" "another build"
        if [ ! -e "$folder/complete" ]; then
            work=$cache/building-csi
            rm -rf "$work" "$folder"
            # A build that fails must not take away the rest of the cluster.
            if ! (patiently "building CSI storage (once; 3 to 10 minutes)" "$cache/build-csi.log" \
                "$parts/build_csi/build.sh" build "$work"); then
                unlock
                say "no CSI storage: its build failed"
                return 0
            fi
            touch "$work/complete"
            mv "$work" "$folder"
            remove_old_programs csi "$folder"
        fi
        unlock
    fi
    csi=$folder
}

start_csi() {
    if [ -z "$csi" ]; then
        touch "$state/no-csi"
        return
    fi
    echo "$csi" >"$state/csi-programs"
    mkdir -p "$state/csi"
    csi_objects || fail "can not make the objects of the CSI storage; see: logs csi-objects"
    start_csi_processes
    eventually 60 "the CSI driver's registration" csi_registered || {
        tail -n 20 "$state/logs/csi-driver" >&2
        exit 1
    }
}

csi_objects() {
    {
        kubectl apply --server-side -f "$csi/definitions" &&
            kubectl wait --for=condition=Established --timeout=120s -f "$csi/definitions" &&
            kubectl apply -f "$parts/csi-classes.yaml"
    } >>"$state/logs/csi-objects" 2>&1
}

start_csi_processes() {
    local socket=/var/lib/kubelet/plugins/$csi_driver/csi.sock registrar
    registrar=/var/lib/kubelet/plugins_registry/$csi_driver-registrar.sock
    start_component csi-driver "$csi/libexec/driver" -name "$csi_driver" -node "$node" \
        -folder "$state/csi" -socket "$socket" -registrar "$registrar"
    start_component csi-provisioner "$csi/libexec/csi-provisioner" \
        --kubeconfig="$pki/provisioner.kubeconfig" --csi-address="$socket" --timeout=120s \
        --retry-interval-max=10s --extra-create-metadata
    start_component csi-snapshotter "$csi/libexec/csi-snapshotter" \
        --kubeconfig="$pki/provisioner.kubeconfig" --csi-address="$socket" --timeout=120s \
        --retry-interval-max=10s --extra-create-metadata
    start_component snapshot-controller "$csi/libexec/snapshot-controller" \
        --kubeconfig="$pki/provisioner.kubeconfig" --retry-interval-max=10s
}

csi_registered() {
    kubectl get csinode "$node" -o 'jsonpath={.spec.drivers[*].name}' | grep -qw "$csi_driver"
}

csi_healthy() {
    local component
    [ -e "$state/csi-programs" ] || return 0
    for component in csi-driver csi-provisioner csi-snapshotter snapshot-controller; do
        process_of "$component" >/dev/null || { problem="$component does not run" && return 1; }
    done
}

# Loop devices outlive the processes that made them: the driver's, and kubelet's upon those.
detach_loops() {
    local loop file device devices
    devices=$(stat -c %Hd:%Ld /dev) || return 0
    losetup --noheadings --output NAME,BACK-FILE 2>/dev/null | while read -r loop file; do
        [[ $file == "$state"/* ]] || continue
        losetup --noheadings --output NAME,BACK-MAJ:MIN,BACK-INO |
            awk -v fs="$devices" -v inode="$(stat -c %i "$loop")" '$2 == fs && $3 == inode { print $1 }' |
            while read -r device; do losetup --detach "$device" 2>/dev/null || true; done
        losetup --detach "$loop" 2>/dev/null || true
    done
}
