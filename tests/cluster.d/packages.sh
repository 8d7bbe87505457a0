# Debian packages.

runtime_packages=(containerd runc containernetworking-plugins iptables iproute2 conntrack ebtables
    socat busybox-static openssl sqlite3 procps python3 gcc libc6-dev mount e2fsprogs)

missing_packages() {
    local package
    for package in "$@"; do
        # shellcheck disable=SC2016
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

install_packages() {
    local missing log
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    mkdir -p "$cache"
    log=$cache/packages.log
    say "installing ${missing[*]}"
    patiently "reading the package lists" "$log" apt-get -q update
    # Debian starts a service that it installs; these run inside of our clusters instead.
    # A policy that someone else put there stays.
    local policy=/usr/sbin/policy-rc.d ours=
    if [ ! -e "$policy" ]; then
        ours=$policy
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    (
        trap '[ -z "$ours" ] || rm -f "$ours"' EXIT
        patiently "installing packages" "$log" env DEBIAN_FRONTEND=noninteractive apt-get -q install \
            -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
    )
}
