/*
 * snapshot - the processes of a subject at one moment, from /proc: which signals each
 * catches, blocks and ignores, where each waits, and its connections.
 *
 * PID 1, its descendants and what was put into its PID namespace from outside are read
 * on the host, zombies included. The masks are those of /proc/PID/status: bit n-1 for
 * signal n.
 */
#ifndef HARNESS_ENGINE_SNAPSHOT_H
#define HARNESS_ENGINE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "harness/engine/tcp_table.h"
#include "lib/err.h"

#define SNAPSHOT_PROCS_MAX 8192
/* Of so many processes the sockets are read: each costs a look at every descriptor. */
#define SNAPSHOT_SOCKETS_MAX 64
#define SNAPSHOT_PORTS_MAX   8
/* Of so many the words and the folder are kept. */
#define SNAPSHOT_WORDS_MAX 16

struct proc {
	pid_t pid, ppid, pgid, sid;
	pid_t ns_pid; /* in its own PID namespace: 1 for PID 1 */
	char state;   /* R S D T Z */
	char name[32];
	char command[256]; /* cmdline with spaces; [name] of a zombie */
	char exe[64];      /* name of its program: "dash"; "": not readable */
	/* The words of its command, each with its NUL, and the folder where it is. Owned
	 * by the snapshot; NULL: not readable, or it is not one of the first. */
	char *words, *folder;
	size_t words_len;
	unsigned threads;
	uint64_t pending, shared_pending, blocked, ignored, caught;
	long syscall; /* of the main thread; -1: running, ended or not readable */
	uint64_t syscall_arg0, syscall_arg1;
	char waits_on[64]; /* what the descriptor in arg0 is: "pipe:[9]"; "": none */
	char wchan[48];
	unsigned long cpu_ticks; /* of its life, user and system */

	/* All 0 where its descriptors cannot be read. */
	unsigned listening; /* TCP sockets, and the ports of the first of them */
	unsigned ports[SNAPSHOT_PORTS_MAX];
	char unix_path[108]; /* where it listens as well; "": at no unix socket */
	/* TCP, established or ended by the peer alone; and those that were accepted at
	 * a unix socket. */
	unsigned connections;
	unsigned clients; /* of these: from a client, to where it listens or listened */
	char peer[112];   /* of one, a client if there is one; "unix:/run/app.sock" */
	unsigned unread, unsent; /* bytes, of all TCP connections */
};

struct snapshot {
	int64_t ns;         /* when it was complete */
	struct proc *procs; /* owned; [0] is PID 1 */
	unsigned count;
	bool has_sockets; /* its connections were read */
	/* Clients' connections with a request that has no answer yet, or an answer of
	 * which a part is still to be sent. Owned. */
	struct tcp_socket *under_way;
	unsigned under_way_count;
};

/* False with err when PID 1 has ended. The tables of connections may be long (those of
 * a host have thousands of rows): `sockets` false leaves them out. `earlier` may be NULL:
 * where it listened then, clients may still be connected to. */
bool snapshot_take(struct snapshot *snapshot, pid_t pid1, bool sockets,
	const struct snapshot *earlier, struct err *err) MUST_CHECK;
void snapshot_done(struct snapshot *snapshot);

/* Is the signal in this mask of a proc? */
bool proc_mask_has(uint64_t mask, int signal_number);

/* At a port or a unix socket. */
bool proc_listens(const struct proc *proc);

/* Waits in rt_sigtimedwait: it receives signals although its masks are empty. */
bool proc_awaits_signals(const struct proc *proc);

/* Would PID 1 handle this signal? It catches, blocks or waits for it. */
bool proc_receives(const struct proc *proc, int signal_number);

/* A shell or package runner that starts a service and does not pass signals on.
 * Recognized by the process name, the command and the program, since a script's process
 * has the name of the script. */
bool proc_is_launcher(const struct proc *proc);

/* An init that passes signals and exit codes on: tini and the like. */
bool proc_is_init(const struct proc *proc);

/* The name of the system call in which it waits ("read"); "" where that is not known. */
const char *proc_syscall_name(const struct proc *proc);

/* Waits for a child to end, or, as an init does, for any signal. */
bool proc_awaits_child(const struct proc *proc);

/* A shell: it runs a trap only when its foreground command has ended. */
bool proc_is_shell(const struct proc *proc);

/* For the results file; the caller's. */
cJSON *snapshot_json(const struct snapshot *snapshot) MUST_CHECK;

#endif
