#!/bin/sh
# s6.sh PROGRAM ... - s6-svscan as PID 1, with one service. With KILL_AFTER it gets
# SIGKILL so many milliseconds after SIGTERM.
set -eu
here=$(pwd)
. "$(dirname "$0")/dir.sh"
mkdir "$dir/web"
printf '#!/bin/sh\ncd %s\nexec %s\n' "$here" "$*" >"$dir/web/run"
chmod +x "$dir/web/run"
[ -z "${KILL_AFTER:-}" ] || echo "$KILL_AFTER" >"$dir/web/timeout-kill"
exec s6-svscan "$dir"
