# shellcheck shell=sh
# Sets dir to an empty folder that goes with the service: in a container one of its own,
# and on the process engine a tmpfs that no other namespace sees.
dir=/mnt
mount -t tmpfs -o mode=755 stopbench-foreign "$dir" 2>/dev/null || [ -e /.dockerenv ]
