#!/bin/sh
# Make sure that there is a Varnish with vmod_xkey for the tests: the system's, else Debian's packages.
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin

works() {
    command -v varnishd >/dev/null && command -v varnishadm >/dev/null || return 1
    folder=$(mktemp -d)
    echo 'vcl 4.1; import xkey; backend default none;' > "$folder/try.vcl"
    varnishd -C -j none -n "$folder" -f "$folder/try.vcl" >/dev/null 2>&1 && found=0 || found=1
    rm -rf "$folder"
    return $found
}

if works; then exit 0; fi

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
    echo "no Varnish with vmod_xkey found: installing Debian's"
    had=$(command -v varnishd || true)
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends varnish varnish-modules
    if [ -z "$had" ]; then
        # The package starts a service; the tests start their own Varnish, and nothing is left running.
        if [ -d /run/systemd/system ]; then
            $as_root systemctl disable --quiet --now varnish
        else
            $as_root /etc/init.d/varnish stop >/dev/null 2>&1 || true
        fi
    fi
    if works; then exit 0; fi
fi
echo "the tests of pages put together at the edge need Varnish 7.1 or later with vmod_xkey:" >&2
echo "install varnish and varnish-modules, or whatever your system calls them" >&2
exit 1
