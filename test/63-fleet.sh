#!/bin/sh
# What `stopbench fleet` refuses. Its figures: harness/fleet/test/test_fleet.c.
set -u
test=fleet
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

fleet() {
	stopbench fleet --replicas 10 --stop 1.2s "$@"
}

fleet --shorter 1.1s
check "stops that are shorter" ends_with 0 "each stop shorter by" "1.10s"
fleet --shorter 1.2s
check "none is over before it begins" \
	ends_with 2 "--shorter 1.20s: not less than the stop itself, whose median is 1.20s"

exit "$failed"
