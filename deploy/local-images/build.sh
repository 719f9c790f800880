#!/bin/sh
# Makes the three images that everything else stands on out of Debian packages, for a machine that reaches a Debian
# mirror and PyPI but no image registry. As root, with podman and debootstrap:
#
#   sh deploy/local-images/build.sh http://mirror.example/debian
#
# gives localhost/python:3.11, localhost/postgres:15 and localhost/valkey:7.
set -eu

mirror=${1:?give the address of a Debian mirror}
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_root() { # folder, packages
  debootstrap --variant=minbase --include="$2" bookworm "$1" "$mirror" >"$work/log" 2>&1 || {
    tail -5 "$work/log" >&2
    return 1
  }
  chroot "$1" apt-get clean
  rm -rf "$1"/var/lib/apt/lists/* "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale
}

make_image() { # folder, tag, changes
  folder=$1 tag=$2
  shift 2
  tar -C "$folder" -c . | podman import --quiet "$@" - "$tag"
}

make_root "$work/python" python3,python3-venv,ca-certificates,tzdata
ln -s python3 "$work/python/usr/bin/python"
make_image "$work/python" localhost/python:3.11 --change ENV=PATH=/usr/local/bin:/usr/bin:/bin

make_root "$work/postgres" postgresql,tzdata
install -m 755 "$here/postgres-entrypoint.sh" "$work/postgres/usr/local/bin/postgres-entrypoint.sh"
chroot "$work/postgres" sh -c 'ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/'
chroot "$work/postgres" install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
make_image "$work/postgres" localhost/postgres:15 \
  --change 'ENTRYPOINT ["postgres-entrypoint.sh"]' --change 'CMD ["postgres"]' --change USER=postgres

# Debian 12 has no Valkey; Redis 7.0 speaks the same protocol and is all that the portal asks for.
make_root "$work/valkey" redis-server
ln -s redis-server "$work/valkey/usr/bin/valkey-server"
ln -s redis-cli "$work/valkey/usr/bin/valkey-cli"
make_image "$work/valkey" localhost/valkey:7 --change 'CMD ["valkey-server"]' --change USER=redis
