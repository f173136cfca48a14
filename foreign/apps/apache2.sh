#!/bin/sh
# apache2.sh PORT - apache2 in the foreground, with a CGI program that takes a minute.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/dir.sh"
modules=/usr/lib/apache2/modules
cat >"$dir/apache2.conf" <<END
ServerRoot $dir
ServerName localhost
Listen 127.0.0.1:$1
PidFile $dir/pid
ErrorLog /dev/stderr
User www-data
Group www-data
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule alias_module $modules/mod_alias.so
LoadModule cgid_module $modules/mod_cgid.so
ScriptSock $dir/cgid.sock
ScriptAlias /cgi/ $here/cgi/
DocumentRoot $dir
<Directory />
Require all granted
</Directory>
END
exec apache2 -DFOREGROUND -f "$dir/apache2.conf"
