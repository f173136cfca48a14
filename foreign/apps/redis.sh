#!/bin/sh
# redis.sh PORT - redis as PID 1.
set -eu
. "$(dirname "$0")/dir.sh"
exec redis-server --port "$1" --bind 127.0.0.1 --dir "$dir" --save '' \
	--repl-diskless-sync-delay 0
