#!/bin/sh
# Install Chromium for its tests where it is missing and can be had; where not, the tests say why they are skipped.
command -v chromium chromedriver >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Chromium is not installed, and only root can install it, with apt-get" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
packages="chromium chromium-driver"
apt-get install --yes --quiet --no-install-recommends $packages >/dev/null 2>&1 || {
    apt-get update --quiet >/dev/null
    apt-get install --yes --quiet --no-install-recommends $packages >/dev/null
} || echo "Chromium could not be installed" >&2
