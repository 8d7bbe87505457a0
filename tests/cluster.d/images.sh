# Container images, made of files of this machine.

# Sets $images: the folder with the archives and with the init program of a node.
build_images() {
    local recipe log=$cache/images.log work
    recipe=$({
        cat "$parts/images.sh" "$parts"/images/*
        # shellcheck disable=SC2016
        dpkg-query -W -f '${Package} ${Version}\n' busybox-static sqlite3 libc6 libsqlite3-0
    } | sha256sum | cut -c1-16)
    images=$cache/images-$recipe
    [ ! -e "$images/complete" ] || return 0
    lock "$cache/images.lock" "another build of images"
    if [ ! -e "$images/complete" ]; then
        work=$cache/building-images
        rm -rf "$work" "$images"
        mkdir -p "$work"
        make_images "$work" >"$log" 2>&1 || {
            tail -n 20 "$log" >&2
            fail "can not make the images; all output: $log"
        }
        touch "$work/complete"
        mv "$work" "$images"
    fi
    unlock
}

make_images() {
    local out=$1 root program
    cc -Os -static -s -Wall -Wextra -o "$out/idle" "$parts/images/idle.c"

    root=$out/pause.root
    mkdir -p "$root"
    cp "$out/idle" "$root/pause"
    pack "$out" pause /pause

    root=$out/noshell.root
    mkdir -p "$root"
    cp "$out/idle" "$root/noshell"
    pack "$out" noshell /noshell

    root=$out/busybox.root
    make_busybox_root "$root"
    pack "$out" busybox /bin/sh

    # busybox and a database program with its libraries.
    root=$out/shop.root
    make_busybox_root "$root"
    program=$(command -v sqlite3)
    cp "$program" "$root/bin/sqlite3"
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
    pack "$out" shop /bin/sh
}

make_busybox_root() {
    local root=$1 applet
    mkdir -p "$root"/{bin,dev,etc,home,proc,root,run,sys,tmp,var/lib,var/tmp}
    chmod 1777 "$root/tmp" "$root/var/tmp"
    cp "$(command -v busybox)" "$root/bin/busybox"
    "$root/bin/busybox" --list | while read -r applet; do
        [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
    done
    printf '%s\n' root:x:0:0:root:/root:/bin/sh shop:x:12345:12345:shop:/home:/bin/sh \
        nobody:x:65534:65534:nobody:/home:/bin/false >"$root/etc/passwd"
    printf '%s\n' root:x:0: shop:x:12345: nogroup:x:65534: >"$root/etc/group"
}

# pack FOLDER IMAGE PROGRAM: FOLDER/IMAGE.root becomes FOLDER/IMAGE.tar.
pack() {
    "$parts/images/pack.py" "$1/$2.root" "kubectl-backup-tests/$2:1" "$3" "$1/$2.tar"
    rm -r "$1/$2.root"
}

import_images() {
    local archive
    for archive in "$images"/*.tar; do
        in_node ctr --namespace k8s.io images import "$archive"
    done
}
