#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml names, as files; a secret that is there is kept.
#
#   scripts/make_secrets.sh [FOLDER]      (default: deploy/secrets)
#
# The folder is its owner's alone. The files in it can be read by all, because each container reads its own as another
# user; it is the folder that keeps others on this machine out.
set -euo pipefail
folder=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/deploy/secrets}
mkdir -p "$folder"
chmod 0700 "$folder"

random() { # $1 letters and digits
  local text=
  while [ ${#text} -lt "$1" ]; do
    text+=$(head -c 256 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9')
  done
  printf '%s' "${text:0:$1}"
}

keep() { # keep NAME TEXT: written whole or not at all
  [ ! -e "$folder/$1" ] || return 0
  printf '%s\n' "$2" >"$folder/.$1"
  chmod 0444 "$folder/.$1"
  mv "$folder/.$1" "$folder/$1"
  echo "made $folder/$1"
}

keep database_password.txt "$(random 32)"
keep store_admin_access_key.txt "sohoa$(random 11)"
keep store_admin_secret_key.txt "$(random 40)"
keep broker_password.txt "$(random 32)"
# The broker takes no password file, but a settings file.
keep broker_password.conf "default_pass = $(cat "$folder/broker_password.txt")"
