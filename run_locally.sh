#!/usr/bin/env bash
# Installs, builds and starts the proxy on this machine in front of a demo origin, and says what to try: --help.
set -euo pipefail

NODE_MINOR_MIN=19 # of Node 20

main() {
  local root version major minor
  root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  version=$(node --version 2>/dev/null || echo none)
  IFS=. read -r major minor _ <<<"${version#v}"
  if ! [ "${major:-0}" -gt 20 ] 2>/dev/null && ! { [ "$major" = 20 ] && [ "${minor:-0}" -ge $NODE_MINOR_MIN ]; }; then
    fail "Node 20.$NODE_MINOR_MIN or newer is needed, found: $version. See https://nodejs.org/en/download"
  fi
  command -v npm >/dev/null || fail 'npm is needed and was not found. See https://nodejs.org/en/download'
  exec node "$root/scripts/run-locally.mjs" "$@"
}

fail() {
  echo "run_locally.sh: $1" >&2
  exit 1
}

main "$@"
