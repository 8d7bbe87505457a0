# Storage: StorageClasses, and the program that makes and removes their volumes.

start_provisioner() {
    mkdir -p "$state/volumes"
    kubectl apply -f "$parts/storage-classes.yaml" >/dev/null
    start_component provisioner /usr/bin/python3 "$parts/provisioner.py" "$server" "$pki/authority.crt" \
        "$pki/provisioner.crt" "$pki/provisioner.key" "$node" "$state/volumes"
}
