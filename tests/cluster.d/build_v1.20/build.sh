#!/bin/bash
# Builds Kubernetes v1.20 from the source package of the Debian release that still has it.
#   build.sh hash            what the result depends on, as text
#   build.sh packages        the Debian packages that it is built with
#   build.sh missing         why it can not be built here; empty when it can
#   build.sh build FOLDER    FOLDER/bin/kubectl, FOLDER/libexec/{etcd,kube-*,kubelet}
set -euo pipefail

# gitVersion of the tree; Debian calls its package 1.20.5+really1.20.2.
version=v1.20.2
go=/usr/lib/go-1.19/bin/go
reflect2=/usr/share/gocode/src/github.com/modern-go/reflect2

# The machine's own package sources, asked for source packages, in lists of their own:
# /etc/apt stays as it is.
apt_sources() {
    local folder=$1 file
    mkdir -p "$folder/sources" "$folder/lists/partial" "$folder/cache/archives/partial"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -e "$file" ] || continue
        sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$folder/sources/${file##*/}"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$file" ] || continue
        sed -nE 's/^deb[[:space:]]/deb-src /p' "$file" >"$folder/sources/${file##*/}"
    done
    apt_options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$folder/sources"
        -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache"
        -o APT::Sandbox::User=root -q)
    # A foreign source without source packages fails here; what matters is found or not below.
    apt-get "${apt_options[@]}" update || true
}

newest_source() {
    apt-cache "${apt_options[@]}" showsrc --only-source kubernetes 2>/dev/null |
        sed -n 's/^Version: //p' | grep -F 'really1.20.' | sort -V | tail -1
}

# The package has no generated OpenAPI definitions; the API server needs them.
generate_openapi() {
    local list=() file
    while read -r file; do
        list+=("k8s.io/kubernetes/$file")
    done < <(
        # vendor/k8s.io is links into staging, and the names through vendor are the ones to use.
        grep -rl --include='*.go' '+k8s:openapi-gen=' staging/src/k8s.io vendor/k8s.io pkg cmd |
            sed -e 's,^staging/src/,vendor/,' -e 's,/[^/]*$,,' |
            grep -vE '/(code-generator|sample-apiserver|kube-openapi)/' | LC_ALL=C sort -u
    )
    "$go" build -o _output/openapi-gen ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    local IFS=,
    _output/openapi-gen --logtostderr -i "${list[*]}" -p k8s.io/kubernetes/pkg/generated/openapi \
        -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt \
        -r _output/violations
}

case $1 in
hash)
    cat "$0"
    ;;
packages)
    echo golang-1.19-go golang-github-modern-go-reflect2-dev etcd-server dpkg-dev
    ;;
missing)
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    apt_sources "$temporary" >/dev/null 2>&1
    [ -n "$(newest_source)" ] ||
        { echo "its package sources have no source package of Kubernetes 1.20 (Debian 12's have)"; exit; }
    [ -n "$(apt-cache policy golang-1.19-go | sed -n 's/.*Candidate: \([0-9]\)/\1/p')" ] ||
        echo "its package sources have no Go 1.19, with which Kubernetes 1.20 is built"
    ;;
build)
    out=$2 work=$2.source
    mkdir -p "$out/bin" "$out/libexec" "$work"
    apt_sources "$work"
    cd "$work"
    apt-get "${apt_options[@]}" source "kubernetes=$(newest_source)"

    export GOPATH=$work/gopath GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' GOTOOLCHAIN=local
    unset GOROOT
    mkdir -p "$GOPATH/src/k8s.io"
    mv kubernetes-1.20.* "$GOPATH/src/k8s.io/kubernetes"
    cd "$GOPATH/src/k8s.io/kubernetes"

    # The vendored 1.0.1 crashes the API server under Go 1.19 at the first JSON body with a map.
    rm -r vendor/github.com/modern-go/reflect2
    cp -r "$reflect2" vendor/github.com/modern-go/reflect2

    generate_openapi
    # Without modules a vendored package's name begins with that of the whole.
    variables=k8s.io/kubernetes/vendor/k8s.io/component-base/version
    nice -n 10 setpriv --pdeathsig TERM "$go" build -v -p 2 -trimpath \
        -ldflags "-s -w -X $variables.gitVersion=$version -X $variables.gitMajor=1 -X $variables.gitMinor=20" \
        -o "$out/libexec/" ./cmd/kube-apiserver ./cmd/kube-controller-manager ./cmd/kube-scheduler \
        ./cmd/kubelet ./cmd/kubectl
    mv "$out/libexec/kubectl" "$out/bin/kubectl"
    ln -s /usr/bin/etcd "$out/libexec/etcd"
    rm -rf "$work"
    ;;
esac
