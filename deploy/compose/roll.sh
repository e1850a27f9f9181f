#!/bin/sh
# Replaces every container of a service, one at a time: a new one starts and becomes healthy, then an old one leaves in order.
# After `docker compose build`, this brings the new image in without a failed request.
#   sh deploy/compose/roll.sh lancamentos consolidado
set -eu
[ $# -gt 0 ] || { echo "usage: $0 SERVICE..." >&2; exit 2; }
for service in "$@"; do
  for old in $(docker compose ps -q "$service"); do
    count=$(docker compose ps -q "$service" | wc -l)
    docker compose up -d --no-deps --no-recreate --wait --scale "$service=$((count + 1))" "$service"
    # SIGTERM, then the grace period of the compose file.
    docker stop "$old"
    docker rm "$old"
  done
done
