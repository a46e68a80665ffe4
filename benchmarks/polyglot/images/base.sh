#!/usr/bin/env bash
# Makes a Debian image from packages alone, for machines that reach a Debian mirror but no registry. Give its name as
# BASE to the recipes here. Needs mmdebstrap (or debootstrap) and a Docker engine; run it as root.
# usage: base.sh [TAG] [MIRROR]     Does nothing if the image is there.
set -euo pipefail
tag=${1:-dgm-debian:trixie}
mirror=${2:-http://deb.debian.org/debian}
suite=trixie
if docker image inspect "$tag" >/dev/null 2>&1; then exit 0; fi

packages=ca-certificates,git,python3
settings=(--change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8')
if command -v mmdebstrap >/dev/null; then
  skip=()
  for folder in doc man info locale; do skip+=("--dpkgopt=path-exclude=/usr/share/$folder/*"); done
  # The packages are checked against the keys of Debian, wherever they come from.
  # shellcheck disable=SC2016 # $1 is for the hook
  mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt='Acquire::Languages "none"' "${skip[@]}" \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' "$suite" - "$mirror" |
    docker import "${settings[@]}" - "$tag" >/dev/null
else
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >/dev/null
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
  tar --create --one-file-system --directory "$root" . | docker import "${settings[@]}" - "$tag" >/dev/null
fi
docker run --rm --network none "$tag" sh -c 'python3 --version && git --version'
