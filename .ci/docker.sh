# Source this: makes sure that a Docker engine answers, and exports DOCKER_HOST if it had to start one. As root, without
# systemd, as often as you like. The engine lives in a folder of its own; to end it: kill $(cat $TMPDIR/dgm-docker/pid)
docker_answers() { timeout 20 docker version >/dev/null 2>&1; }

docker_start() { # words for dockerd
  local folder=${TMPDIR:-/tmp}/dgm-docker
  rm -f "$folder/pid" "$folder/docker.sock"
  setsid nohup dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" \
    --host "$DOCKER_HOST" "$@" >"$folder/log" 2>&1 </dev/null &
  local engine=$!
  for _ in $(seq 150); do
    if docker_answers; then return 0; fi
    kill -0 "$engine" 2>/dev/null || return 1
    sleep 0.2
  done
  kill "$engine"
  return 1
}

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
  if ! docker_answers; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
    command -v docker >/dev/null || apt-get install -y -qq --no-install-recommends docker-cli >/dev/null
  fi
fi
if ! docker_answers; then
  mkdir -p "${TMPDIR:-/tmp}/dgm-docker"
  export DOCKER_HOST="unix://${TMPDIR:-/tmp}/dgm-docker/docker.sock"
  # Sandboxes have no network, so an engine that cannot set one up will do.
  if ! docker_answers && ! docker_start && ! docker_start --bridge=none --iptables=false --ip6tables=false; then
    echo "no Docker engine could be started:" >&2
    tail -20 "${TMPDIR:-/tmp}/dgm-docker/log" >&2
    exit 1
  fi
fi
