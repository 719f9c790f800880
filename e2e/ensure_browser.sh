#!/bin/sh
# Make sure that there is a Chromium for the tests: Playwright's own, else the system's, else Debian's package.
set -eu
python=$1

if "$python" - <<'EOF'
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
EOF
then exit 0; fi

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
    echo "no browser found: installing Debian's chromium"
    $as_root apt-get update -qq
    exec $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-nanum
fi
echo "the end-to-end tests need Chromium: install one (\"$python -m playwright install chromium\", or your system's)" >&2
exit 1
