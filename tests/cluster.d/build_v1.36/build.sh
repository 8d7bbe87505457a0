#!/bin/bash
# Builds Kubernetes v1.36 and etcd from Go modules.
#   build.sh hash            what the result depends on, as text
#   build.sh missing         why it can not be built here; empty when it can
#   build.sh build FOLDER    FOLDER/bin/kubectl, FOLDER/libexec/{etcd,kube-*,kubelet}
set -euo pipefail
cd "$(dirname "$0")"

version=v1.36.3

case $1 in
hash)
    cat build.sh go.mod go.sum node/main.go kubectl/main.go
    ;;
missing)
    command -v go >/dev/null || { echo "no Go toolchain (1.26 or newer)"; exit; }
    needed=$(awk '$1 == "go" { print $2 }' go.mod)
    # Asked outside of this module: inside of it an older go would fetch a newer one or fail.
    have=$(cd / && go env GOVERSION) have=${have#go}
    if [ "$(printf '%s\n' "$needed" "$have" | sort -V | head -1)" != "$needed" ]; then
        # A toolchain that the proxy serves is as good, where the settings allow it.
        timeout 300 go version >/dev/null 2>&1 || { echo "Go $needed is needed, this is $have"; exit; }
    fi
    timeout 120 go mod download k8s.io/component-base >/dev/null 2>&1 ||
        echo "the Go module proxy does not answer"
    ;;
build)
    out=$2 variables=k8s.io/component-base/version
    minor=${version#v1.} minor=${minor%%.*}
    mkdir -p "$out/bin" "$out/libexec"
    # -p 2 and nice: others work on this machine too. -v: the caller counts the packages.
    CGO_ENABLED=0 nice -n 10 setpriv --pdeathsig TERM go build -v -p 2 -trimpath -buildvcs=false -mod=readonly \
        -ldflags "-s -w -X $variables.gitVersion=$version -X $variables.gitMajor=1 -X $variables.gitMinor=$minor" \
        -o "$out/libexec/" ./node ./kubectl
    mv "$out/libexec/kubectl" "$out/bin/kubectl"
    for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet; do
        ln -s node "$out/libexec/$name"
    done
    ;;
esac
