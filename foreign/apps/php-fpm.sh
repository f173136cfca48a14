#!/bin/sh
# php-fpm.sh PORT - php-fpm in the foreground, with two workers. With TIMEOUT they have
# so long to finish.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/dir.sh"
cat >"$dir/php-fpm.conf" <<END
[global]
daemonize = no
error_log = /dev/stderr
${TIMEOUT:+process_control_timeout = $TIMEOUT}
[www]
user = www-data
group = www-data
listen = 127.0.0.1:$1
pm = static
pm.max_children = 2
chdir = $here
catch_workers_output = yes
END
exec "$(echo /usr/sbin/php-fpm*)" -F -y "$dir/php-fpm.conf"
