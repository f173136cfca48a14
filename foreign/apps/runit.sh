#!/bin/sh
# runit.sh runsv|runsvdir PROGRAM ... - runit as PID 1, with one service.
set -eu
as=$1
shift
here=$(pwd)
. "$(dirname "$0")/dir.sh"
mkdir "$dir/web"
printf '#!/bin/sh\ncd %s\nexec %s\n' "$here" "$*" >"$dir/web/run"
chmod +x "$dir/web/run"
[ "$as" = runsv ] && exec runsv "$dir/web"
exec runsvdir -P "$dir"
