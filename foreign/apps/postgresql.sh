#!/bin/sh
# postgresql.sh PORT - PostgreSQL as PID 1, with a cluster of its own.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
. "$(dirname "$0")/dir.sh"
chown postgres "$dir"
cd "$dir"
as='setpriv --reuid postgres --regid postgres --init-groups'
$as "$bin/initdb" -D "$dir/data" -A trust -N >/dev/null
exec $as "$bin/postgres" -D "$dir/data" -p "$1" -h 127.0.0.1 -k "$dir" -c fsync=off
