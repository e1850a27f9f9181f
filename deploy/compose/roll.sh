#!/bin/sh
# Brings in what `docker compose build` has built, without a failed request: migrates the databases, then replaces every container of the
# services that are named, one at a time: a new one starts and becomes healthy, then an old one leaves in order.
#   sh deploy/compose/roll.sh lancamentos consolidado entregas avisos
set -eu
[ $# -gt 0 ] || { echo "usage: $0 SERVICE..." >&2; exit 2; }

# Longer than a service takes to start on a loaded machine.
healthy_within_seconds=240

is_healthy() {
  seconds=0
  until [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; do
    seconds=$((seconds + 1))
    [ $seconds -lt $healthy_within_seconds ] || return 1
    sleep 1
  done
}

# What its health check said last (deploy/compose/health.mjs).
reason() {
  docker inspect -f '{{range .State.Health.Log}}{{println .Output}}{{end}}' "$1" | grep . | tail -n 1
}

# New code does not work on an old schema; old code works on a new one (docs/operations.md). `--no-deps`: nothing else is touched.
docker compose run --rm --no-deps -T migrate >&2 ||
  { echo "$0: the databases could not be migrated, for the reason above: nothing is replaced, the old version goes on." >&2; exit 1; }

for service in "$@"; do
  olds=$(docker compose ps -q "$service")
  # A service that is new with this version.
  [ -n "$olds" ] || docker compose up -d --no-deps --wait "$service"
  count=$(echo "$olds" | wc -l)
  for old in $olds; do
    before=$(docker compose ps -q "$service")
    docker compose up -d --no-deps --no-recreate --scale "$service=$((count + 1))" "$service"
    for new in $(docker compose ps -q "$service"); do
      case $before in *"$new"*) continue ;; esac
      is_healthy "$new" && continue
      echo "$0: the new $service does not become healthy and is taken away, nothing more is replaced: $(reason "$new")" >&2
      docker rm -f "$new" >/dev/null
      exit 1
    done
    # SIGTERM, then the grace period of the compose file.
    docker stop "$old"
    docker rm "$old"
  done
done
