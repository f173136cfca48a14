#!/bin/sh
# supervisord.sh PROGRAM [STOPWAITSECS] - supervisord as PID 1, with one program.
set -eu
. "$(dirname "$0")/dir.sh"
cat >"$dir/supervisord.conf" <<END
[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=$dir/supervisord.pid
[program:web]
command=$1
startsecs=0
stopwaitsecs=${2:-10}
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
redirect_stderr=true
END
exec supervisord -c "$dir/supervisord.conf"
