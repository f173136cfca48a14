# shellcheck shell=sh
# swarm-rig.sh - a Docker Swarm of two nodes on this machine, n1 (the manager) and n2: what
# swarm-up, swarm-kill, swarm-start and swarm-down share. Sourced; `rig` is the folder.
# shellcheck disable=SC2154,SC2016
#
# A node is a dockerd and a containerd in a network namespace and with a hostname of their
# own. A pair of interfaces joins each node to this machine, and one joins the two: a bridge
# of this machine would be filtered by its firewall. Processes have pids of this machine.
#
#   198.18.N.1/30  this machine, as both nodes and their containers reach it
#   198.18.N.2     n1      198.18.N.6     n2
#
# 198.18.0.0/15 is for benchmarks (RFC 2544). N is the first that is free; creating the
# namespace of n1 claims it. Everything is named after N, and $rig/number has it.

number() {
	cat "$rig/number"
}

space() { # NODE
	echo "stopbench-$(number)-$1"
}

host_address() {
	echo "198.18.$(number).1"
}

address() { # NODE
	[ "$1" = n1 ] && echo "198.18.$(number).2" || echo "198.18.$(number).6"
}

docker_host() { # NODE
	echo "unix://$rig/$1/docker.sock"
}

on() { # NODE COMMAND...: Docker's command line on a node
	node=$1
	shift
	DOCKER_HOST=$(docker_host "$node") timeout 60 docker "$@"
}

# Waits for a condition, at most SECONDS.
until_true() { # SECONDS COMMAND...
	tries=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# --- its processes ---

# Those that name the node's folder in their command line: the daemons and their shims.
daemons() { # NODE
	grep -lsaF -- "$rig/$1/" /proc/[0-9]*/cmdline | while read -r file; do
		case $(cat "${file%cmdline}comm" 2>/dev/null) in
		dockerd | containerd*) echo "$file" | tr -dc '0-9\n' ;;
		esac
	done
}

# Those of its containers, by their control group, whatever the hierarchy.
contained() { # NODE
	find /sys/fs/cgroup -path "*/$(space "$1")/*" -name cgroup.procs -exec cat {} + 2>/dev/null |
		sort -nu
}

kill_all() { # NODE SIGNAL
	# The daemons first: they would start new containers.
	for pid in $(daemons "$1") $(contained "$1"); do
		kill "-$2" "$pid" 2>/dev/null
	done
	return 0
}

is_dead() { # NODE
	[ -z "$(daemons "$1")$(contained "$1")" ]
}

# As a power cut: SIGKILL to the daemons and to all that runs in containers.
kill_node() { # NODE
	for _ in $(seq 50); do
		kill_all "$1" KILL
		is_dead "$1" && break
		sleep 0.1
	done
	is_dead "$1" || return 1
	forget_mounts "$1"
	find /sys/fs/cgroup -depth -path "*/$(space "$1")*" -type d -exec rmdir {} + 2>/dev/null
	return 0
}

# What dead daemons leave mounted below the node's folder, the innermost first.
forget_mounts() { # NODE
	awk -v folder="$rig/$1/" 'index($5, folder) == 1 { print $5 }' /proc/self/mountinfo |
		sort -r | while read -r place; do umount -l "$place"; done
}

# --- the daemons ---

inside() { # NODE COMMAND...
	node=$1
	shift
	nsenter --net="/run/netns/$(space "$node")" unshare --uts sh -c \
		'hostname "$1"; shift; exec "$@"' sh "$node" "$@"
}

start_node() { # NODE
	mkdir -p "$rig/$1"
	# A containerd of its own: dockerd would share one that runs on this machine.
	cat >"$rig/$1/containerd.toml" <<-END
		version = 2
		root = "$rig/$1/containerd"
		state = "$rig/$1/containerd.run"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		address = "$rig/$1/containerd.sock"
	END
	echo '{}' >"$rig/$1/daemon.json" # not this machine's in /etc
	rm -f "$rig/$1/docker.pid"
	inside "$1" setsid containerd --config "$rig/$1/containerd.toml" \
		</dev/null >"$rig/$1/containerd.log" 2>&1 &
	until_true 20 ctr --address "$rig/$1/containerd.sock" version || return 1
	# It would ask a registry for each image that a task names.
	DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1 inside "$1" setsid dockerd \
		--containerd "$rig/$1/containerd.sock" --host "$(docker_host "$1")" \
		--data-root "$rig/$1/data" --exec-root "$rig/$1/run" \
		--pidfile "$rig/$1/docker.pid" --config-file "$rig/$1/daemon.json" \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$(space "$1")" \
		</dev/null >"$rig/$1/dockerd.log" 2>&1 &
	until_true 30 on "$1" version && return
	tail -n 20 "$rig/$1/dockerd.log" "$rig/$1/containerd.log" >&2
	return 1
}

# --- the network ---

claim_number() {
	for number in $(seq 0 255); do
		ip -4 route show root 198.18."$number".0/24 | grep -q . && continue
		ip netns add "stopbench-$number-n1" 2>/dev/null || continue
		echo "$number" >"$rig/number"
		return
	done
	echo "swarm-up: all 256 networks are taken" >&2
	return 1
}

# One end of a pair in each namespace; the name of the end says where the other one is.
join_host() { # NODE HOST_ADDRESS NODE_ADDRESS
	ip link add "sb$(number)-$1" type veth peer name host netns "$(space "$1")" &&
		ip addr add "$2/30" dev "sb$(number)-$1" &&
		ip link set "sb$(number)-$1" up &&
		ip -n "$(space "$1")" addr add "$3/30" dev host &&
		ip -n "$(space "$1")" link set lo up &&
		ip -n "$(space "$1")" link set host up &&
		ip -n "$(space "$1")" route add default via "$2"
}

route_to() { # FROM TO
	ip -n "$(space "$1")" link set "$2" up &&
		ip -n "$(space "$1")" route add "$(address "$2")/32" dev "$2" src "$(address "$1")"
}

make_network() {
	net=198.18.$(number)
	ip netns add "$(space n2)" &&
		join_host n1 "$net.1" "$net.2" &&
		join_host n2 "$net.5" "$net.6" &&
		ip link add n2 netns "$(space n1)" type veth peer name n1 netns "$(space n2)" &&
		route_to n1 n2 &&
		route_to n2 n1
}

remove_network() {
	for node in n1 n2; do
		ip link del "sb$(number)-$node" 2>/dev/null
		ip netns del "$(space "$node")" 2>/dev/null
	done
	return 0
}
