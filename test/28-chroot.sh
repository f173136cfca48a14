#!/bin/sh
# The process engine in a chroot, whose "/" is no mount point. What is mounted there must
# not propagate to the host, whose mounts are shared where systemd runs.
set -u
bin=${PROGRAMS:-build/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # NAME
	if [ "$code" -eq 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1 ($code)"
		failed=1
	fi
}

if ! unshare -m true 2>/dev/null; then
	echo "skip chroot: not root, or in a chroot already"
	exit 0
fi

# A folder with all that "/" has, and with this tree where "/" has nothing, in mounts that
# end with the shell.
cat >"$work/script" <<'END'
mount --make-rshared /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root
for entry in /*; do
	if [ -L "$entry" ]; then
		cp -P "$entry" /mnt/root/
	elif [ "$entry" = /mnt ]; then
		mkdir /mnt/root/mnt
	elif [ -d "$entry" ]; then
		mkdir "/mnt/root$entry"
		mount --rbind "$entry" "/mnt/root$entry"
	fi
done
mkdir /mnt/root/tree
mount --bind . /mnt/root/tree
cut -d ' ' -f 5 /proc/self/mountinfo | sort >"$1/before"
chroot /mnt/root sh -c 'cd /tree && exec "$1"' sh "$2" || exit
cut -d ' ' -f 5 /proc/self/mountinfo | sort >"$1/after"
END

unshare -m sh -e "$work/script" "$work" "$bin/../harness/engine/test/test_process" \
	>"$work/out" 2>&1
code=$?
check "the process engine passes its tests in a chroot"
[ "$code" -eq 0 ] || cat "$work/out"

left=$(comm -13 "$work/before" "$work/after") && [ -z "$left" ]
code=$?
check "no mount is left behind"
[ "$code" -eq 0 ] || echo "$left"
exit $failed
