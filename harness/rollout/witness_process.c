#include "harness/rollout/witness_process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/programs.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/strlist.h"
#include "lib/wait.h"

#define WORDS_MAX ((size_t)4 << 10)
#define STOP_NS   (5 * CLOCK_S)

struct witness_process {
	uv_loop_t *loop;
	char *folder; /* of the socket */
	char *socket;
	struct reaper *reaper;
	struct child *child;
	bool exited;
	struct buf words;
};

static void on_words(void *arg, const char *data, size_t len)
{
	struct witness_process *process = arg;

	buf_add(&process->words, data, len);
}

static void on_exit_seen(void *arg, int status UNUSED)
{
	((struct witness_process *)arg)->exited = true;
}

/* Ours, with another daemon. */
static struct strlist environment(const char *docker_host)
{
	static const char *const left_out[] = {"DOCKER_HOST=", "DOCKER_TLS_VERIFY="};
	struct strlist list = {0};

	for (char **pair = environ; *pair; pair++) {
		bool kept = true;

		for (size_t i = 0; i < COUNT(left_out); i++)
			kept = kept &&
				strncmp(*pair, left_out[i], strlen(left_out[i])) != 0;
		if (kept)
			strlist_add(&list, "%s", *pair);
	}
	strlist_add(&list, "DOCKER_HOST=%s", docker_host);
	return list;
}

static bool spawn(struct witness_process *process, const char *folder,
	const char *docker_host, const char *label, struct err *err)
{
	struct strlist env = environment(docker_host);
	SCOPED(mem_free) char *programs = folder ? mem_text(folder) : programs_folder();
	SCOPED(mem_free) char *program = mem_textf("%s/stopbench", programs);
	SCOPED(mem_free) char *listen =
		mem_textf("--listen=unix://%s", process->socket);
	SCOPED(mem_free) char *parent = mem_textf("--parent=%d", (int)getpid());
	SCOPED(mem_free) char *labelled = mem_textf("--label=%s", label ? label : "");
	const char *const argv[] = {
		program, "witness", listen, parent, label ? labelled : NULL, NULL};

	process->child = child_spawn(process->reaper,
		&(struct child_spec){
			.argv = argv,
			.env = (const char *const *)env.item,
			.on_stdout = on_words,
			.on_stderr = on_words,
			.on_exit = on_exit_seen,
			.arg = process,
		},
		err);
	strlist_done(&env);
	return process->child != NULL;
}

static bool make_folder(
	struct witness_process *process, const char *below, struct err *err)
{
	const char *temporary = getenv("TMPDIR");

	process->folder = below
		? mem_textf("%s/witness-XXXXXX", below)
		: mem_textf("%s/stopbench-XXXXXX",
			  temporary && temporary[0] ? temporary : "/tmp");
	if (!mkdtemp(process->folder)) {
		err_sys(err, "%s", process->folder);
		free(process->folder);
		process->folder = NULL;
		return false;
	}
	process->socket = mem_textf("%s/witness.sock", process->folder);
	return true;
}

struct witness_process *witness_process_start(uv_loop_t *loop, const char *programs,
	const char *folder, const char *docker_host, const char *label, struct err *err)
{
	struct witness_process *process = mem_zeroed(sizeof *process);

	process->loop = loop;
	buf_init(&process->words, WORDS_MAX);
	process->reaper = reaper_create(loop, NULL, NULL, err);
	if (process->reaper && make_folder(process, folder, err) &&
		spawn(process, programs, docker_host, label, err))
		return process;
	witness_process_end(process);
	return NULL;
}

static bool has_exited(const void *arg)
{
	return ((const struct witness_process *)arg)->exited;
}

void witness_process_end(struct witness_process *process)
{
	if (!process)
		return;
	if (process->child && !process->exited) {
		child_stop(process->child, 0, STOP_NS);
		wait_until(process->loop, has_exited, process,
			clock_now() + 2 * STOP_NS, NULL);
	}
	child_destroy(process->child);
	reaper_destroy(process->reaper);
	if (process->folder)
		fs_remove_tree(process->folder);
	free(process->folder);
	free(process->socket);
	buf_done(&process->words);
	free(process);
}

const char *witness_process_socket(const struct witness_process *process)
{
	return process->socket;
}

bool witness_process_runs(const struct witness_process *process)
{
	return !process->exited;
}

const char *witness_process_words(const struct witness_process *process)
{
	return buf_text(&process->words);
}
