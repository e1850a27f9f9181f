#!/bin/sh
# Replaces every container of a service, one at a time: a new one starts and becomes healthy, then an old one leaves in order.
# After `docker compose build`, this brings the new image in without a failed request.
#   sh deploy/compose/roll.sh lancamentos consolidado
set -eu
[ $# -gt 0 ] || { echo "usage: $0 SERVICE..." >&2; exit 2; }

# Longer than a service takes to start on a loaded machine.
healthy_within_seconds=240

wait_healthy() {
  seconds=0
  until [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; do
    seconds=$((seconds + 1))
    [ $seconds -lt $healthy_within_seconds ] || { echo "$1 does not become healthy: nothing more is replaced" >&2; exit 1; }
    sleep 1
  done
}

for service in "$@"; do
  olds=$(docker compose ps -q "$service")
  count=$(echo "$olds" | wc -l)
  for old in $olds; do
    before=$(docker compose ps -q "$service")
    docker compose up -d --no-deps --no-recreate --scale "$service=$((count + 1))" "$service"
    for new in $(docker compose ps -q "$service"); do
      case $before in *"$new"*) ;; *) wait_healthy "$new" ;; esac
    done
    # SIGTERM, then the grace period of the compose file.
    docker stop "$old"
    docker rm "$old"
  done
done
