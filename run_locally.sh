#!/usr/bin/env bash
# Installs, builds and starts the proxy on this machine in front of a demo origin, and says what to try.
set -euo pipefail

USAGE="usage: ./run_locally.sh [--live] [MODE CACHE] [OPTION OF THE PROXY]...

Starts the proxy ('grpc-and-http local' where MODE and CACHE are left out) in front of a demo origin whose specs
change every few seconds. With --live, or with STATSIG_ENDPOINT set, there is no demo and the proxy asks the real origin.

  ./run_locally.sh -p 2 --http-port 9000 --grpc-port 9001 --admin-port 9002
  ./run_locally.sh grpc-and-http redis
  ./run_locally.sh http disabled --debug-logging
  ./run_locally.sh --live

Options of the proxy, once this script has built it: node dist/main.js --help"

DEMO_KEY=secret-demo-key-for-trying-out
DEMO_START_S_MAX=20
READY_S_MAX=60

proxy='' demo='' printer=''
log='' url='' grpc_address='' admin_url='' origin='' cache='' data_dir='' problem=''

# A script that starts this one with `&` leaves SIGINT ignored, and bash cannot undo that itself.
if [ -n "$(trap -p INT)" ] && env --default-signal=INT true 2>/dev/null; then
  exec env --default-signal=INT bash "$0" "$@"
fi

main() {
  root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  read_arguments "$@"
  check_node
  # Where only this script is told to end, it waits for npm first, which would live on otherwise.
  trap 'exit 130' INT TERM HUP
  build

  # Pipes without names: nothing stays behind, however this ends. Opened for reading and writing, as each would wait for
  # the other.
  local pipes
  pipes=$(mktemp -d)
  mkfifo "$pipes/proxy" "$pipes/demo"
  exec 3<>"$pipes/proxy" 5<>"$pipes/demo"
  exec 4<"$pipes/proxy"
  rm -r "$pipes"

  trap leave EXIT
  trap 'exit 0' INT TERM HUP
  [ -n "$is_live" ] || start_demo
  start_proxy
  wait_until_ready
  explain
  print_log

  # The printer ends early where nobody reads any more, as with `| head`.
  while is_alive "$proxy" && is_alive "$printer"; do
    [ -z "$demo" ] || is_alive "$demo" || fail 'the demo origin ended, so the proxy was stopped'
    sleep 0.5 || :
  done
}

read_arguments() {
  local argument
  is_live=${STATSIG_ENDPOINT:+yes}
  arguments=()
  for argument in "$@"; do
    case $argument in
      -h | --help)
        echo "$USAGE"
        exit
        ;;
      --live) is_live=yes ;;
      *)
        case $argument in --statsig-endpoint*) is_live=yes ;; esac
        arguments+=("$argument")
        ;;
    esac
  done
  case ${arguments[0]-} in
    # Spelled like this as bash before 4.4 takes an empty array for an unset variable.
    '' | -*) arguments=(grpc-and-http local ${arguments[@]+"${arguments[@]}"}) ;;
  esac
}

check_node() {
  local version major minor
  version=$(node --version 2>/dev/null || echo none)
  IFS=. read -r major minor _ <<<"${version#v}"
  if ! [ "${major:-0}" -gt 20 ] 2>/dev/null && ! { [ "$major" = 20 ] && [ "${minor:-0}" -ge 19 ]; }; then
    fail "Node 20.19 or newer is needed, found: $version. See https://nodejs.org/en/download"
  fi
  command -v npm >/dev/null || fail 'npm is needed and was not found. See https://nodejs.org/en/download'
}

build() {
  cd -- "$root"
  # npm writes the second file when it is done; it is missing where an installation was broken off.
  if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo 'Installing dependencies ...'
    npm ci --include=dev
  fi
  echo 'Building ...'
  npm run --silent build
  # Files named in arguments are meant from where the script was called.
  cd -- "$OLDPWD"
}

# Children get process groups of their own (`set -m`): Ctrl-C reaches this script alone, which passes it on once. The
# proxy would take a second signal as the order to end at once.
start_demo() {
  local line deadline=$((SECONDS + DEMO_START_S_MAX))
  set -m
  (cd -- "$root" && exec node --import tsx scripts/demo-origin.ts --or-any-port) </dev/null >&5 3>&- 4<&- 5>&- &
  demo=$!
  set +m
  until IFS= read -r -t 1 line <&5; do
    is_alive "$demo" || fail 'the demo origin ended before it listened: its message is above'
    [ "$SECONDS" -lt "$deadline" ] || fail "the demo origin does not listen after $DEMO_START_S_MAX s"
  done
  # Its one line ends with its URL. As variables, these give way to what was typed.
  export STATSIG_ENDPOINT="${line##* }" SFP_SDK_KEYS="$DEMO_KEY"
  export SFP_HOST="${SFP_HOST:-127.0.0.1}" SFP_POLLING_INTERVAL_IN_S="${SFP_POLLING_INTERVAL_IN_S:-1}"
  export LOG_EVENT_STATSIG_ENDPOINT="${LOG_EVENT_STATSIG_ENDPOINT:-$STATSIG_ENDPOINT}"
  export ID_LISTS_STATSIG_ENDPOINT="${ID_LISTS_STATSIG_ENDPOINT:-$STATSIG_ENDPOINT}"
  export SFP_ID_LISTS_POLLING_INTERVAL_IN_S="${SFP_ID_LISTS_POLLING_INTERVAL_IN_S:-1}"
  # The demo origin is on this machine, whatever outbound proxy others are reached by.
  export NO_PROXY=127.0.0.1
}

start_proxy() {
  set -m
  node "$root/dist/main.js" "${arguments[@]}" </dev/null >&3 3>&- 4<&- 5>&- &
  proxy=$!
  set +m
  # The proxy is the only writer now: its log ends when it does.
  exec 3>&-
}

# Keeps the log until there is something to say before it; the log also tells which ports the proxy took.
wait_until_ready() {
  local line deadline=$((SECONDS + READY_S_MAX))
  until [ -n "$admin_url" ] && is_ready; do
    if IFS= read -r -t 1 line <&4; then
      log+=$line$'\n'
      case $line in *'"msg":"listening"'*) read_addresses "$line" ;; esac
    elif ! is_alive "$proxy"; then
      fail "$(why_ended)"
    fi
    [ "$SECONDS" -lt "$deadline" ] || fail "${admin_url:-the proxy}${admin_url:+/v1/ready} does not answer 200 after $READY_S_MAX s"
  done
}

# A port that the mode does not have is not in the line.
read_addresses() {
  local host
  host=$(reachable "$(field host "$1")")
  case $1 in *'"httpPort":'*) url=http://$host:$(field httpPort "$1") ;; esac
  case $1 in *'"grpcPort":'*) grpc_address=$host:$(field grpcPort "$1") ;; esac
  admin_url=http://$(reachable "$(field adminHost "$1")"):$(field adminPort "$1")
  origin=$(field origin "$1")
  cache=$(field cache "$1")
  case $1 in *'"dataDir":'*) data_dir=$(field dataDir "$1") ;; esac
}

# A field of a log line.
field() {
  sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/" <<<"$2"
}

# An address that reaches a server which listens on the given one.
reachable() {
  case $1 in
    0.0.0.0) echo 127.0.0.1 ;;
    ::) echo '[::1]' ;;
    *:*) echo "[$1]" ;;
    *) echo "$1" ;;
  esac
}

# Asked by Node: curl may not be there. The admin server is there in every mode.
is_ready() {
  node -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
    .then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))' "$admin_url/v1/ready"
}

why_ended() {
  local pattern='address already in use ([^]"\\]+)'
  if [[ $log =~ $pattern ]]; then
    echo "${BASH_REMATCH[1]} is taken by another process: choose other ports with --http-port N, --grpc-port N and" \
      '--admin-port N (8000, 50051 and 8001 unless typed; 0 takes a free one)'
  else
    echo 'the proxy ended before it was ready: its messages are above'
  fi
}

explain() {
  local key=$DEMO_KEY news front="a demo origin whose specs change every 5 s"
  news='Again after 5 s: x-since-time is newer, demo_gate returns the opposite, demo_config greets with the next number.'
  if [ -n "$is_live" ]; then
    key='<YOUR SDK KEY>' front=$origin
    news='The config specs of your project, with their version as x-since-time.'
  fi
  echo "
The proxy is ready on ${url:-$grpc_address}, in front of $front. In another terminal:"
  [ -z "$url" ] || explain_http
  [ -z "$grpc_address" ] || explain_grpc
  cat <<END

  curl -s $admin_url/status
      What the proxy holds: the version of each spec, and how long ago the origin confirmed it.

END
  [ -z "$data_dir" ] || echo "Specs are kept in $data_dir: started again, the proxy serves them even without an origin.
"
  [ "$cache" != redis ] || explain_redis
  cat <<END
Ctrl-C stops everything. The log of the proxy:

END
}

# The proxy runs without a Redis as well, and uses it as soon as it is there.
explain_redis() {
  local state
  state=$(node -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
    .then((response) => response.json())
    .then(({ redis }) => console.log(redis.leader ? "ok" : "away"), () => console.log("away"))' \
    "$admin_url/status")
  if [ "$state" = ok ]; then
    cat <<END
  redis-cli keys 'statsig*'
      The specs in Redis, as SDKs' data adapters ask for them. A second proxy on other ports shares them, and asks
      the origin for nothing that this one has asked for:
      STATSIG_ENDPOINT=$origin ./run_locally.sh grpc-and-http redis --http-port 0 --grpc-port 0 --admin-port 0

END
    return
  fi
  cat <<END
No Redis answers: the proxy runs without, and will use it when it is there. To get one on this machine:

  sudo apt-get install redis-server     (and, where that does not start it: redis-server --port 6379)
  docker run -p 6379:6379 redis:7

Where yours is elsewhere: REDIS_URL=redis://user:password@host:6379 ./run_locally.sh grpc-and-http redis

END
}

explain_http() {
  cat <<END

  curl -si '$url/v2/download_config_specs/$key.json'
      $news

  curl -s "$url/v2/download_config_specs/$key.json?sinceTime=\$(date +%s)999"
      {"has_updates":false}: what an SDK hears whose sinceTime is not older than x-since-time.

  curl -s '$url/v1/log_event' -H 'statsig-api-key: $key' -d '{"events":[{"eventName":"tried"}]}'
      {"success":true}: log events are kept, and forwarded behind.

  curl -s '$url/v1/get_id_lists' -H 'statsig-api-key: $key' -d '{}'
      The ID lists there are. Their urls lead to the proxy, which has the files: curl one of them.
END
}

explain_grpc() {
  local key_option=''
  [ -z "$is_live" ] || key_option=" --key '$key'"
  cat <<END

  cd $(printf '%q' "$root") && node --import tsx scripts/watch-stream.ts --address $grpc_address$key_option
      A stream, as SDKs open it by gRPC: a line for the spec there is, and one for each newer spec when it comes.
END
}

print_log() {
  set -m
  { printf '%s' "$log" && exec cat; } <&4 5>&- &
  printer=$!
  set +m
}

# Runs however the script ends. Its status is the proxy's, or 1 where the script failed and the proxy did not.
leave() {
  local status=$?
  # Impatient: the second signal for the proxy.
  trap '[ -z "$proxy" ] || kill -TERM "$proxy" 2>/dev/null || :' INT TERM HUP
  if [ -n "$proxy" ]; then
    stop "$proxy" || status=$?
    [ -n "$printer" ] || print_log
    wait "$printer" || :
  fi
  [ -z "$demo" ] || stop "$demo" || :
  [ -z "$problem" ] || echo "run_locally.sh: $problem" >&2
  exit "$status"
}

# Asks a process to end, waits for that, and gives its status.
stop() {
  local status
  kill -TERM "$1" 2>/dev/null || :
  while :; do
    status=0
    wait "$1" || status=$?
    # A signal breaks off the waiting.
    is_alive "$1" || return "$status"
  done
}

is_alive() {
  kill -0 "$1" 2>/dev/null
}

fail() {
  problem=$1
  # Told at the end, below the log.
  [ -n "$(trap -p EXIT)" ] || echo "run_locally.sh: $problem" >&2
  exit 1
}

main "$@"
