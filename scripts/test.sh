#!/usr/bin/env bash
# Installs what is missing and runs every check: types first, then lint beside the tests; arguments go to scripts/run-tests.mjs.
# All tests run on the node that is there; those that touch sockets, streams and clients on Node 24 as well, which the image has.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

main() {
  # npm writes the second file when it is done; it is missing where an installation was broken off.
  if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --include=dev
  fi
  install_programs redis-server openssl curl promtool:prometheus chromium

  # Two minutes where nothing of it is built yet. Without Go, tests that need them say so.
  if command -v go >/dev/null; then npm run go-tools; fi
  npm run typecheck
  npm test -- --and-on-node-24 --and-lint "$@"
}

# Programs that tests start; each is in the Debian package of its name, or of the name behind the colon.
install_programs() {
  local program missing=() as_root=()
  for program in "$@"; do
    command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  if ! command -v apt-get >/dev/null; then
    echo "scripts/test.sh: ${missing[*]}: missing, and there is no apt-get; tests that need them will fail" >&2
    return 0
  fi
  # `${...+...}`: bash before 4.4 takes an empty array for an unset variable.
  ${as_root[@]+"${as_root[@]}"} apt-get update -qq </dev/null &&
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null ||
    echo "scripts/test.sh: ${missing[*]}: could not be installed; tests that need them will fail" >&2
}

main "$@"
