#!/bin/sh
# nginx.sh PORT - nginx in the foreground, with two workers and a directory of its own.
set -eu
. "$(dirname "$0")/dir.sh"
dd if=/dev/zero of="$dir/slow" bs=100k count=1 2>/dev/null
cat >"$dir/nginx.conf" <<END
daemon off;
pid $dir/nginx.pid;
error_log stderr notice;
worker_processes 2;
events {}
http {
	access_log off;
	client_body_temp_path $dir/body;
	proxy_temp_path $dir/proxy;
	fastcgi_temp_path $dir/fastcgi;
	uwsgi_temp_path $dir/uwsgi;
	scgi_temp_path $dir/scgi;
	server {
		listen 127.0.0.1:$1;
		root $dir;
		location /slow { limit_rate 1k; }
	}
}
END
exec nginx -e stderr -c "$dir/nginx.conf"
