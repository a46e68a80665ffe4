#!/usr/bin/env bash
# Builds the image that the tests use, from the packages of this Debian machine and without a registry.
# usage: .ci/base_image.sh [TAG]     Does nothing if the image is there.
set -euo pipefail
tag=${1:-dgm-test-base:latest}
if docker image inspect "$tag" >/dev/null 2>&1; then exit 0; fi

packages=(base-files bash coreutils dash diffutils findutils git grep gzip hostname libc-bin mawk patch procps
  python3 python3-pytest sed tar util-linux)
missing=()
for package in "${packages[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if ((${#missing[@]})); then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
closure() { # all that the packages need, less what only serves to install packages
  apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "${packages[@]}" | grep '^[a-z0-9]' | sort -u |
    comm -12 - <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p' | sort -u) |
    grep -Ev '^(perl|libperl|perl-|debconf|dpkg|adduser|passwd|tzdata|media-types|usrmerge|init-system)'
}
{
  closure | xargs dpkg-query -L
  # Compiled modules belong to no package, but every start of an interpreter would be slow without.
  find /usr/lib/python3.* -name '*.pyc'
} | sed -nE 's#^/(bin|sbin|lib|lib64)/#/usr/\1/#; /^\/usr\/share\/(doc|man|info|locale|lintian|bug)\//d; /\/gconv\//d; /^\/./p' |
  sort -u | while read -r path; do
    case $path in /. | /bin | /sbin | /lib | /lib32 | /lib64 | /libx32) continue ;; esac
    if [[ -e $path || -L $path ]]; then echo "${path#/}"; fi
  done >"$work/files"

root=$work/root
mkdir -p "$root/usr/bin" "$root/etc"
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root/"
ln -s mawk "$root/usr/bin/awk"
printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
tar --create --file "$work/image.tar" --directory / --no-recursion --files-from "$work/files"
# With the root folder itself, since podman makes up a stricter mode for one that is missing.
tar --append --file "$work/image.tar" --owner 0 --group 0 --no-recursion --directory "$root" . bin sbin lib lib64 \
  usr/bin/awk etc/passwd etc/group
docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8' \
  "$work/image.tar" "$tag" >/dev/null
docker run --rm --network none "$tag" sh -c 'git --version && tar --version | head -1 && python3 -m pytest --version && awk "BEGIN{}"'
