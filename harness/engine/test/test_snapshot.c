#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/snapshot.h"
#include "harness/engine/test/engine_fixture.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"
#include "test/support/pid_namespace.h"

/* Takes snapshots until one has the expected state. */
struct looking {
	pid_t pid;
	struct snapshot snapshot;
	bool (*is_so)(const struct snapshot *snapshot);
};

static bool looks_so(struct looking *looking)
{
	int64_t deadline_ns = clock_now() + ENGINE_FIXTURE_PATIENCE_NS;
	struct err err;

	do {
		snapshot_done(&looking->snapshot);
		if (!snapshot_take(&looking->snapshot, looking->pid, true, NULL, &err))
			fail_msg("%s", err.text);
		if (looking->is_so(&looking->snapshot))
			return true;
	} while (clock_now() < deadline_ns);
	return false;
}

static unsigned count_state(const struct snapshot *snapshot, char state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < snapshot->count; i++)
		count += snapshot->procs[i].state == state;
	return count;
}

static bool has_family(const struct snapshot *snapshot)
{
	return snapshot->count == 6 && count_state(snapshot, 'Z') == 3 &&
		count_state(snapshot, 'S') == 3;
}

static bool has_begun(const struct snapshot *snapshot)
{
	return strncmp(snapshot->procs[0].command, "sh ", 3) == 0;
}

/* As npm has that gives itself a title. */
static void empty_words_at_the_end_are_not_shown(void **state UNUSED)
{
	struct looking looking = {.is_so = has_begun};
	int input[2];

	assert_int_equal(pipe(input), 0);
	looking.pid = fork();
	if (looking.pid == 0) {
		dup2(input[0], STDIN_FILENO);
		close(input[1]);
		execl("/bin/sh", "sh", "-c", "read line", "", "", NULL);
		_exit(127);
	}
	assert_true(looks_so(&looking));
	assert_string_equal(looking.snapshot.procs[0].command, "sh -c read line");
	snapshot_done(&looking.snapshot);
	close(input[0]);
	close(input[1]);
	assert_int_equal(waitpid(looking.pid, NULL, 0), looking.pid);
}

static void snapshot_shows_the_descendants_of_pid_1(void **state UNUSED)
{
	struct err err = {0};
	struct engine_fixture *fixture = engine_fixture_open("process", &err);
	struct looking looking = {.is_so = has_family};
	const struct proc *pid1;

	assert_non_null(fixture);
	engine_fixture_up(fixture, &(struct engine_fixture_spec){0}, "term=0",
		"child=2", "zombie=3", NULL);
	engine_fixture_await_line(fixture, "ready");
	looking.pid = fixture->subject->pid;
	assert_true(looks_so(&looking));
	pid1 = &looking.snapshot.procs[0];
	assert_int_equal(pid1->pid, looking.pid);
	assert_int_equal(pid1->ns_pid,
		strstr(fixture->engine->capabilities.note, "no PID namespace")
			? looking.pid
			: 1);
	assert_string_equal(pid1->name, "puppet");
	assert_string_equal(pid1->command, "puppet term=0 child=2 zombie=3");
	assert_string_equal(pid1->exe, "puppet");
	assert_true(proc_mask_has(pid1->caught, SIGTERM));
	assert_true(proc_receives(pid1, SIGTERM));
	assert_false(proc_receives(pid1, SIGHUP));
	for (unsigned i = 1; i < looking.snapshot.count; i++) {
		const struct proc *proc = &looking.snapshot.procs[i];

		assert_int_equal(proc->ppid, looking.pid);
		assert_false(proc_receives(proc, SIGTERM));
		if (proc->state == 'Z') {
			assert_string_equal(proc->command, "[puppet]");
			assert_string_equal(proc_syscall_name(proc), "");
		}
	}
	snapshot_done(&looking.snapshot);
	engine_fixture_close(fixture);
}

static bool waits_on_pipe(const struct snapshot *snapshot)
{
	return strncmp(snapshot->procs[0].waits_on, "pipe:[", 6) == 0;
}

static void snapshot_names_what_a_read_waits_on(void **state UNUSED)
{
	struct looking looking = {.is_so = waits_on_pipe};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	looking.pid = fork();
	if (looking.pid == 0) {
		char byte;

		_exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
	}
	assert_true(looks_so(&looking));
	assert_int_equal(looking.snapshot.procs[0].syscall_arg0, ends[0]);
	assert_int_equal(looking.snapshot.procs[0].state, 'S');
	kill(looking.pid, SIGKILL);
	waitpid(looking.pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	snapshot_done(&looking.snapshot);
}

static bool awaits_signals(const struct snapshot *snapshot)
{
	return proc_awaits_signals(&snapshot->procs[0]);
}

/* The masks are empty during sigwait, as without a handler. */
static void snapshot_sees_that_sigwait_receives(void **state UNUSED)
{
	struct looking looking = {.is_so = awaits_signals};

	looking.pid = fork();
	if (looking.pid == 0) {
		sigset_t signals;
		int number;

		sigemptyset(&signals);
		sigaddset(&signals, SIGTERM);
		sigprocmask(SIG_BLOCK, &signals, NULL);
		_exit(sigwait(&signals, &number) == 0 ? 0 : 1);
	}
	assert_true(looks_so(&looking));
	assert_true(proc_receives(&looking.snapshot.procs[0], SIGTERM));
	assert_false(proc_mask_has(looking.snapshot.procs[0].caught, SIGTERM));
	kill(looking.pid, SIGKILL);
	waitpid(looking.pid, NULL, 0);
	snapshot_done(&looking.snapshot);
}

/* A process that listens, and has one client of five bytes. The client's end is ours. */
static pid_t fork_server(int *client, unsigned *port)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	int server, listener = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	assert_int_equal(bind(listener, (const struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(*client, (const struct sockaddr *)&address, size), 0);
	server = accept(listener, NULL, NULL);
	assert_int_equal(send(*client, "hello", 5, 0), 5);
	pid = fork();
	if (pid == 0) {
		close(*client);
		for (;;)
			pause();
	}
	close(listener);
	close(server);
	return pid;
}

/* The same at an abstract unix socket. It has a pair of its own as well, which has no
 * name. */
static pid_t fork_unix_server(int *client, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	int server, pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	memcpy(&address.sun_path[1], name, strlen(name));
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 5), 0);
	*client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(*client, (const struct sockaddr *)&address, size), 0);
	server = accept(listener, NULL, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(*client);
		for (;;)
			pause();
	}
	close(listener);
	close(server);
	close(pair[0]);
	close(pair[1]);
	return pid;
}

static bool has_connection(const struct snapshot *snapshot)
{
	return snapshot->procs[0].connections == 1;
}

static void snapshot_shows_the_clients_of_a_unix_socket(void **state UNUSED)
{
	SCOPED(mem_free) char *name = mem_textf("stopbench test %d", (int)getpid());
	SCOPED(mem_free) char *path = mem_textf("@%s", name);
	SCOPED(mem_free) char *peer = mem_textf("unix:@%s", name);
	struct looking looking = {.is_so = has_connection};
	const struct proc *proc;
	int client;

	looking.pid = fork_unix_server(&client, name);
	assert_true(looks_so(&looking));
	proc = &looking.snapshot.procs[0];
	assert_true(proc_listens(proc));
	assert_string_equal(proc->unix_path, path);
	assert_string_equal(proc->peer, peer);
	assert_int_equal(proc->clients, 1);
	kill(looking.pid, SIGKILL);
	waitpid(looking.pid, NULL, 0);
	close(client);
	snapshot_done(&looking.snapshot);
}

static void snapshot_shows_a_process_connections(void **state UNUSED)
{
	struct looking looking = {.is_so = has_connection};
	const struct proc *proc;
	char peer[32];
	unsigned port;
	int client;
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	struct err err;

	looking.pid = fork_server(&client, &port);
	assert_true(looks_so(&looking));
	assert_true(looking.snapshot.has_sockets);
	proc = &looking.snapshot.procs[0];
	assert_int_equal(proc->listening, 1);
	assert_int_equal(proc->ports[0], port);
	assert_int_equal(proc->clients, 1);
	assert_int_equal(proc->unread, 5);
	assert_int_equal(proc->unsent, 0);
	assert_int_equal(getsockname(client, (struct sockaddr *)&address, &size), 0);
	snprintf(peer, sizeof peer, "127.0.0.1:%u", ntohs(address.sin_port));
	assert_string_equal(proc->peer, peer);
	assert_string_equal(proc->unix_path, "");
	/* Its peer is gone, and it holds its end. */
	close(client);
	assert_true(looks_so(&looking));
	snapshot_done(&looking.snapshot);
	assert_true(snapshot_take(&looking.snapshot, looking.pid, false, NULL, &err));
	assert_false(looking.snapshot.has_sockets);
	assert_int_equal(looking.snapshot.procs[0].connections, 0);
	kill(looking.pid, SIGKILL);
	waitpid(looking.pid, NULL, 0);
	snapshot_done(&looking.snapshot);
}

static void snapshot_shows_what_was_put_into_the_namespace(void **state UNUSED)
{
	struct pid_namespace space;
	struct snapshot snapshot = {0};
	struct err err;
	pid_t put;

	if (!pid_namespace_open(&space))
		skip();
	put = pid_namespace_put_in(&space, "exec sleep 100");
	assert_true(snapshot_take(&snapshot, space.pid1, false, NULL, &err));
	assert_int_equal(snapshot.count, 2);
	assert_int_equal(snapshot.procs[1].pid, put);
	assert_int_equal(snapshot.procs[1].ns_pid, 2);
	assert_int_equal(snapshot.procs[1].ppid, space.helper);
	snapshot_done(&snapshot);
	pid_namespace_close(&space);
}

static void snapshot_of_an_ended_process_fails(void **state UNUSED)
{
	struct snapshot snapshot = {0};
	struct err err = {0};
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(snapshot_take(&snapshot, pid, true, NULL, &err));
	assert_non_null(strstr(err.text, "is gone"));
	assert_null(snapshot.procs);
}

static void proc_receives_what_its_masks_allow(void **state UNUSED)
{
	static const struct {
		struct proc proc;
		bool hears;
		const char *why;
	} rows[] = {
		{{.syscall = -1}, false, "no handler"},
		{{.syscall = -1, .caught = 0x4000}, true, "it catches it"},
		{{.syscall = -1, .caught = 0x8000}, false, "it catches another"},
		{{.syscall = -1, .blocked = 0x4000}, true, "it will read it later"},
		{{.syscall = -1, .ignored = 0x4000}, false, "it ignores it"},
		{{.syscall = 128}, true, "it waits for signals"},
		{{.syscall = -1, .wchan = "do_sigtimedwait"}, true,
			"the same elsewhere"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (proc_receives(&rows[i].proc, SIGTERM) != rows[i].hears)
			fail_msg("%s", rows[i].why);
	}
}

static void proc_recognizes_launchers_and_inits(void **state UNUSED)
{
	static const struct {
		struct proc proc;
		bool launcher, init;
		const char *why;
	} rows[] = {
		{{.name = "sh", .command = "sh -c x"}, true, false, "a shell"},
		{{.name = "entry.sh", .command = "/bin/sh /entry.sh", .exe = "dash"},
			true, false, "a script has a name of its own"},
		{{.name = "entry.sh", .command = "/entry.sh", .exe = "bash"}, true,
			false, "one that hides how it was started"},
		{{.name = "bash", .command = "-bash"}, true, false, "a login shell"},
		{{.name = "busybox", .command = "busybox ash -c x", .exe = "busybox"},
			true, false, "busybox as a shell"},
		{{.name = "run", .command = "/bin/busybox sh /run", .exe = "busybox"},
			true, false, "busybox as a script's shell"},
		{{.name = "busybox", .command = "busybox httpd -f", .exe = "busybox"},
			false, false, "busybox as a server"},
		{{.name = "httpd", .command = "httpd sh", .exe = "busybox"}, false,
			false, "a server whose argument is a shell's name"},
		{{.name = "npm start", .command = "npm start", .exe = "node"}, true,
			false, "npm"},
		{{.name = "node", .command = "node app.js", .exe = "node"}, false,
			false, "an app"},
		{{.name = "docker-init", .command = "/sbin/docker-init -- x"}, false,
			true, "an init"},
		{{.name = "x", .command = "/init", .exe = "tini"}, false, true,
			"an init by another name"},
		{{.name = "app", .command = "app --init tini", .exe = "app"}, false,
			false, "an app with an init's name"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (proc_is_launcher(&rows[i].proc) != rows[i].launcher ||
			proc_is_init(&rows[i].proc) != rows[i].init)
			fail_msg("%s", rows[i].why);
	}
}

static void snapshot_is_written_as_json(void **state UNUSED)
{
	struct snapshot snapshot = {0};
	struct err err = {0};
	SCOPED(json_free) cJSON *json = NULL;
	const cJSON *first;

	assert_true(snapshot_take(&snapshot, getpid(), true, NULL, &err));
	json = snapshot_json(&snapshot);
	first = json_at(json, "processes.0");
	assert_int_equal(json_int(first, "pid", 0), getpid());
	assert_string_equal(json_text(first, "name"), "test_snapshot");
	assert_string_equal(json_text(first, "exe"), "test_snapshot");
	assert_int_equal(strlen(json_text(first, "SigCgt")), 16);
	snapshot_done(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_words_at_the_end_are_not_shown),
		cmocka_unit_test(snapshot_shows_the_descendants_of_pid_1),
		cmocka_unit_test(snapshot_names_what_a_read_waits_on),
		cmocka_unit_test(snapshot_sees_that_sigwait_receives),
		cmocka_unit_test(snapshot_shows_a_process_connections),
		cmocka_unit_test(snapshot_shows_the_clients_of_a_unix_socket),
		cmocka_unit_test(snapshot_shows_what_was_put_into_the_namespace),
		cmocka_unit_test(snapshot_of_an_ended_process_fails),
		cmocka_unit_test(proc_receives_what_its_masks_allow),
		cmocka_unit_test(proc_recognizes_launchers_and_inits),
		cmocka_unit_test(snapshot_is_written_as_json),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
