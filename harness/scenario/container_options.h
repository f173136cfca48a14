/*
 * container_options - how a container is run beside its image and command: the keys of
 * "service" that Compose has under the same names, with the same values.
 *
 * Read from JSON by the types below. Paths of the host that begin with "." are relative
 * to the scenario's file. What a value leaves out is the engine's default.
 */
#ifndef HARNESS_SCENARIO_CONTAINER_OPTIONS_H
#define HARNESS_SCENARIO_CONTAINER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/fields.h"
#include "lib/strlist.h"

struct volume {
	char *source; /* an absolute path, or a volume's name; NULL: an anonymous one */
	char *target; /* an absolute path inside */
	bool read_only;
};

struct volumes {
	struct volume *item;
	unsigned count;
};

struct published_port {
	char *host_ip;        /* NULL: all addresses */
	int host_port;        /* 0: the engine chooses one */
	int port;             /* inside */
	const char *protocol; /* "tcp", "udp", "sctp" */
};

struct published_ports {
	struct published_port *item;
	unsigned count;
};

struct ulimit {
	const char *name;   /* "nofile" */
	int resource;       /* RLIMIT_NOFILE */
	int64_t soft, hard; /* -1: none */
};

#define ULIMITS_MAX 16

struct ulimits {
	struct ulimit item[ULIMITS_MAX];
	unsigned count;
};

struct healthcheck {
	struct strlist
		test; /* "CMD" or "CMD-SHELL" and the command; empty: the image's */
	int64_t interval_ns, timeout_ns, start_period_ns; /* 0: the image's */
	int64_t retries;                                  /* 0: the image's */
	bool disable;
};

#define EXECS_MAX 8

/* Commands that are started beside PID 1, as `docker exec -d` does. */
struct execs {
	struct strlist item[EXECS_MAX];
	unsigned count;
};

struct container_options {
	struct volumes volumes;
	struct strlist tmpfs; /* "/run" or "/run:size=64m" */
	struct published_ports ports;
	struct strlist networks; /* names of networks that exist */
	int64_t mem_limit;       /* bytes; 0: none */
	int64_t nano_cpus;       /* 1e9 is one processor; 0: all */
	int64_t pids_limit;      /* 0: none */
	char *user;              /* "1000:1000", "www-data"; NULL: the image's */
	char *working_dir;       /* NULL: the image's; one from "." on is absolute */
	struct strlist env_file; /* what the files say: "NAME=value" each */
	struct strlist cap_add, cap_drop;
	bool read_only; /* the root file system */
	struct ulimits ulimits;
	bool tty;
	struct healthcheck healthcheck;
	char *restart;     /* "on-failure:3"; NULL: "no" */
	struct execs exec; /* for subject_exec(); engine_up() starts none of them */
};

extern const struct field_type volumes_type, published_ports_type, tmpfs_type,
	env_file_type, mem_limit_type, cpus_type, ulimits_type, restart_type,
	healthcheck_test_type, execs_type, working_dir_type;
extern const struct field healthcheck_fields[];

/* The first key that needs a container engine, as "volumes"; NULL: a process has all of
 * them, too. */
const char *container_options_of_engine(const struct container_options *options);

/* Is the container on a network that is not the host's? */
bool container_options_have_network(const struct container_options *options);

#endif
