# Certificates and kubeconfigs; new ones for every start of a cluster.

# A private certificate authority: make_authority FILE NAME
make_authority() {
    openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=$2" -keyout "$1.key" -out "$1.crt" 2>>"$state/logs/certificates"
}

# make_certificate FILE AUTHORITY SUBJECT [ALTERNATIVE NAMES]
make_certificate() {
    local extensions="keyUsage=digitalSignature
extendedKeyUsage=clientAuth,serverAuth
${4:+subjectAltName=$4}"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "$3" -keyout "$1.key" 2>>"$state/logs/certificates" |
        openssl x509 -req -CA "$2.crt" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 15)" \
            -days 3650 -extfile <(echo "$extensions") -out "$1.crt" 2>>"$state/logs/certificates"
}

# make_kubeconfig FILE USER CERTIFICATE: with everything inside, so that it can be copied away.
make_kubeconfig() {
    (
        umask 077
        cat >"$1.new" <<END
apiVersion: v1
kind: Config
current-context: $name
clusters:
- name: $name
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 "$pki/authority.crt")
users:
- name: $2
  user:
    client-certificate-data: $(base64 -w0 "$3.crt")
    client-key-data: $(base64 -w0 "$3.key")
contexts:
- name: $name
  context: {cluster: $name, user: $2}
END
    )
    mv "$1.new" "$1"
}

# make_user FILE USER [GROUP...]
make_user() {
    local file=$1 user=$2 subject group
    shift 2
    subject=
    for group in "$@"; do
        subject+=/O=$group
    done
    make_certificate "$file" "$pki/authority" "$subject/CN=$user"
    make_kubeconfig "$file.kubeconfig" "$user" "$file"
}

make_certificates() {
    pki=$state/certificates
    mkdir -p "$pki"
    make_authority "$pki/authority" kubectl-backup-tests
    make_authority "$pki/front-proxy-authority" front-proxy
    make_certificate "$pki/front-proxy" "$pki/front-proxy-authority" /CN=front-proxy
    make_certificate "$pki/apiserver" "$pki/authority" /CN=kube-apiserver "DNS:kubernetes,\
DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,\
DNS:localhost,IP:127.0.0.1,IP:$node_address,IP:$service_address"
    make_certificate "$pki/apiserver-to-kubelet" "$pki/authority" /O=system:masters/CN=kube-apiserver
    make_certificate "$pki/kubelet-server" "$pki/authority" "/CN=$node" "DNS:$node,IP:$node_address"
    # Service accounts' tokens are signed with this; RSA is what clusters have.
    openssl genrsa -out "$pki/tokens.key" 2048 2>>"$state/logs/certificates"
    openssl rsa -in "$pki/tokens.key" -pubout -out "$pki/tokens.pub" 2>>"$state/logs/certificates"
    make_user "$pki/controller-manager" system:kube-controller-manager
    make_user "$pki/scheduler" system:kube-scheduler
    make_user "$pki/kubelet" "system:node:$node" system:nodes
    make_user "$pki/provisioner" provisioner system:masters
    make_user "$pki/admin" admin system:masters
    mv "$pki/admin.kubeconfig" "$kubeconfig"
}
