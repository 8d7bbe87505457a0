#!/bin/bash
# Builds what gives a cluster storage with snapshots from Go modules: the sidecars and the snapshot
# controller of kubernetes-csi, and the driver of this folder.
#   build.sh hash            what the result depends on, as text
#   build.sh missing         why it can not be built here; empty when it can
#   build.sh build FOLDER    FOLDER/libexec/{driver,csi-provisioner,...}, FOLDER/definitions/*.yaml
set -euo pipefail
cd "$(dirname "$0")"

snapshotter=github.com/kubernetes-csi/external-snapshotter

case $1 in
hash)
    cat build.sh go.mod go.sum driver/*.go
    ;;
missing)
    command -v go >/dev/null || { echo "no Go toolchain (1.26 or newer)"; exit; }
    timeout 300 go version >/dev/null 2>&1 || { echo "the Go toolchain is too old"; exit; }
    timeout 120 go mod download "$snapshotter/client/v8" >/dev/null 2>&1 ||
        echo "the Go module proxy does not answer"
    ;;
build)
    out=$2
    mkdir -p "$out/libexec" "$out/definitions"
    # -p 2 and nice: others work on this machine too. -v: the caller counts the packages.
    CGO_ENABLED=0 nice -n 10 setpriv --pdeathsig TERM go build -v -p 2 -trimpath -buildvcs=false -mod=readonly \
        -ldflags "-s -w" -o "$out/libexec/" ./driver \
        github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner \
        "$snapshotter/v8/cmd/csi-snapshotter" "$snapshotter/v8/cmd/snapshot-controller"
    cp "$(go list -m -f '{{.Dir}}' "$snapshotter/client/v8")"/config/crd/snapshot.storage.k8s.io_*.yaml \
        "$out/definitions/"
    chmod 644 "$out"/definitions/*
    ;;
esac
