#!/bin/sh
# redis.sh PORT [OPTION ...] - redis as PID 1.
set -eu
port=$1
shift
. "$(dirname "$0")/dir.sh"
exec redis-server --port "$port" --bind 127.0.0.1 --dir "$dir" --save '' \
	--repl-diskless-sync-delay 0 "$@"
