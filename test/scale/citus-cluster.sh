#!/bin/sh
# A Citus cluster to try things on: a coordinator and two workers on this machine, in a folder of its own.
#
#   test/scale/citus-cluster.sh start    prints CITUS_DATABASE_URL=...
#   test/scale/citus-cluster.sh stop     stops the three and removes the folder
#
# Needs a PostgreSQL server with Citus built for it (docs/scale/citus.md), in PG_BIN. The nodes listen on loopback, trust whoever
# connects, and do not wait for the disk: nothing here is for data that somebody wants to keep. PORT is the coordinator's,
# the workers take those after it; FOLDER is where they live; WORKERS are the workers' numbers. With WORKERS='' the coordinator is
# the only node and keeps the shards itself.

set -eu

PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
PORT=${PORT:-55600}
FOLDER=${FOLDER:-/tmp/bailiwick-citus}
DATABASE=bailiwick
WORKERS=${WORKERS-1 2}

# PostgreSQL does not run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid postgres --regid postgres --clear-groups "$@"
  else
    "$@"
  fi
}

# Runs SQL as the superuser. $1: the node's number, 0 the coordinator.
sql() {
  "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $((PORT + $1)) -U postgres -d "${3:-$DATABASE}" -c "$2"
}

start() {
  mkdir -p "$FOLDER"
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$FOLDER"
  fi
  for node in 0 $WORKERS; do
    as_postgres "$PG_BIN/initdb" -D "$FOLDER/$node" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync > /dev/null
    as_postgres tee -a "$FOLDER/$node/postgresql.conf" > /dev/null << CONFIGURATION
listen_addresses = '127.0.0.1'
port = $((PORT + node))
unix_socket_directories = ''
shared_preload_libraries = 'citus'
max_connections = 200
max_prepared_transactions = 200
wal_level = logical
fsync = off
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
citus.node_conninfo = 'sslmode=disable'
citus.enable_statistics_collection = off
CONFIGURATION
    as_postgres "$PG_BIN/pg_ctl" -D "$FOLDER/$node" -l "$FOLDER/$node/log" -w start > /dev/null
    sql "$node" "create database $DATABASE" postgres
    sql "$node" 'create extension citus'
  done
  sql 0 "select citus_set_coordinator_host('127.0.0.1', $PORT)" > /dev/null
  for node in $WORKERS; do
    sql 0 "select citus_add_node('127.0.0.1', $((PORT + node)))" > /dev/null
  done
  if [ -z "$WORKERS" ]; then
    sql 0 "select citus_set_node_property('127.0.0.1', $PORT, 'shouldhaveshards', true)" > /dev/null
  fi
  echo "CITUS_DATABASE_URL=postgresql://postgres@127.0.0.1:$PORT/$DATABASE"
}

stop() {
  for node in $WORKERS 0; do
    if [ -f "$FOLDER/$node/postmaster.pid" ]; then
      as_postgres "$PG_BIN/pg_ctl" -D "$FOLDER/$node" -m immediate stop > /dev/null
    fi
  done
  rm -rf "$FOLDER"
}

case "${1:-}" in
  start | stop) "$1" ;;
  *)
    echo "usage: $0 start|stop" >&2
    exit 2
    ;;
esac
