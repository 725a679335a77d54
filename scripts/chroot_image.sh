#!/usr/bin/env bash
# Runs the steps of the Dockerfile in plain folders, where there is no container engine, and then a command in the
# result as the image's user: shows that the steps work, that nothing is missing and that the root may be read-only.
#
#   scripts/chroot_image.sh [--suite bookworm] [--mirror URL] [--copy FILE:PATH]... [--env NAME]... FOLDER [COMMAND...]
#
# FOLDER holds the base system (made by debootstrap once, then kept) and one root per stage (made anew).
# --copy: a file of this machine that the steps need (package sources, certificates, name servers); it lies in the
# roots while the steps run and is no part of the image. --env: a variable passed on to the steps for the same reason.
# COMMAND runs at the end, with a read-only root; without one: init, doctor, and a sample read and archived.
# Needs root, debootstrap, unshare. What it does not do: digests of base images, layers, resource limits.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "chroot_image: $1" >&2
  exit 1
}

suite=bookworm mirror= copies=() passed=()
while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=$2; shift 2 ;;
    --mirror) mirror=$2; shift 2 ;;
    --copy) copies+=("$2"); shift 2 ;;
    --env) passed+=("$2=${!2:-}"); shift 2 ;;
    --*) fail "unknown option $1" ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || fail "name a folder"
[ "$(id -u)" = 0 ] || fail "only root may change its root"
command -v debootstrap >/dev/null || fail "install debootstrap"
chroot=$(command -v chroot) # by its path: the image's own PATH need not lead to it
mkdir -p "$1"
top=$(cd "$1" && pwd)
shift

# 1. The base: what `FROM python:…-slim-bookworm` stands for, the Python being Debian's own.
if [ ! -e "$top/base/.complete" ]; then
  rm -rf "$top/base"
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip "$suite" "$top/base" \
    ${mirror:+"$mirror"} >"$top/debootstrap.log" || fail "debootstrap failed; see $top/debootstrap.log"
  ln -sf python3 "$top/base/usr/bin/python"
  touch "$top/base/.complete"
fi

lend() { # puts the machine's own files into the root $1, keeping what they cover
  local pair from to
  for pair in "${copies[@]}"; do
    from=${pair%%:*} to=${pair#*:}
    mkdir -p "$1$(dirname "$to")"
    if [ -e "$1$to" ] && [ ! -e "$1$to.image" ]; then cp -a "$1$to" "$1$to.image"; fi
    cp -L "$from" "$1$to"
  done
}

take_back() {
  local pair to
  for pair in "${copies[@]}"; do
    to=${pair#*:}
    rm -f "$1$to"
    if [ -e "$1$to.image" ]; then mv "$1$to.image" "$1$to"; fi
  done
}

within() { # within ROOT USER FOLDER COMMAND...: in mount and process spaces of its own, so that nothing outlives it
  local root=$1 user=$2 folder=$3
  shift 3
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" -- \
    env -i "${passed[@]}" "${settings[@]}" \
    "$chroot" ${user:+--userspec="$user"} "$root" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}

# 2. The steps, one instruction a line: continued lines joined, comments left out.
steps=$(sed -e '/^[[:space:]]*#/d' "$here/Dockerfile" | sed -e ':again' -e '/\\$/N' -e 's/\\\n[[:space:]]*//' -e 't again')
root='' user='' folder=/ settings=() entry=''
declare -A stages
while read -r instruction rest; do
  [ -n "$instruction" ] || continue
  echo "--- $instruction $rest" | cut -c1-150
  case $instruction in
    FROM)
      [ -z "$root" ] || take_back "$root"
      root=$top/${rest##* } user='' folder=/
      settings=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
      rm -rf "$root"
      cp -a "$top/base" "$root"
      lend "$root"
      stages[${rest##* }]=$root
      ;;
    ENV)
      eval "pairs=($rest)"
      settings+=("${pairs[@]}")
      ;;
    WORKDIR)
      folder=$rest
      mkdir -p "$root$folder"
      ;;
    COPY)
      read -ra words <<<"$rest"
      from=$here
      if [[ ${words[0]} == --from=* ]]; then
        from=${stages[${words[0]#--from=}]}
        words=("${words[@]:1}")
      fi
      to=${words[-1]}
      [[ $to == /* ]] || to=$folder/$to
      unset 'words[-1]'
      for word in "${words[@]}"; do
        if [ -d "$from/$word" ]; then # a folder's content is copied, as COPY does
          mkdir -p "$root$to"
          tar -C "$from/$word" --exclude=__pycache__ -cf - . | tar -C "$root$to" --no-same-owner -xf -
        else
          [[ ${rest##* } != */ ]] || mkdir -p "$root$to"
          cp "$from/$word" "$root$to"
        fi
      done
      ;;
    RUN) within "$root" "$user" "$folder" sh -c "$rest" || fail "this step failed: $rest" ;;
    USER) user=$rest ;;
    ENTRYPOINT) entry=$(sed 's/^\["\(.*\)"\]$/\1/' <<<"$rest") ;;
    EXPOSE | CMD) ;;
    *) fail "the Dockerfile has an instruction this script does not know: $instruction" ;;
  esac
done <<<"$steps"
take_back "$root"
[ -n "$user" ] && [ "$entry" = sohoa ] || fail "the image must name its user and start the program"

# 3. A container: the root cannot be written, only what the compose file mounts as volumes or in memory.
contained() {
  # shellcheck disable=SC2016  # expanded inside
  unshare --mount --pid --fork --kill-child --net -- sh -ec '
    root=$1; shift
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    for place in /var/lib/sohoa /run/sohoa-keys /scratch; do mount --bind "$root.volumes$place" "$root$place"; done
    mount -t tmpfs -o mode=1777,size=256m tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    for device in null zero full random urandom; do
      [ -e "$root/dev/$device" ] && mount --bind "/dev/$device" "$root/dev/$device"
    done
    exec "$@"
  ' sh "$root" env -i "${settings[@]}" "$chroot" --userspec="$user" "$root" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}

rm -rf "$root.volumes"
for place in /var/lib/sohoa /run/sohoa-keys /scratch; do # a new volume takes over what the image has there
  mkdir -p "$root.volumes$(dirname "$place")"
  cp -a "$root$place" "$root.volumes$place"
done
if [ $# -gt 0 ]; then
  contained "$entry" "$@"
  exit
fi
# shellcheck disable=SC2016  # expanded inside
contained sh -ec '
  test "$(id -u)" = 10001
  if touch /opt/sohoa/written 2>/dev/null; then echo "the root can be written"; exit 1; fi
  sohoa --lang en init
  sohoa --lang en samples make /tmp/scans --records 1
  sohoa --lang en intake /tmp/scans
  sohoa --lang en work --until-idle
  sohoa --lang en record list
  sohoa --lang en doctor
'
echo "--- every step of the Dockerfile works, and so does what they make"
