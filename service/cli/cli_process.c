#include "service/cli/cli_process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/child.h"
#include "lib/json.h"
#include "lib/lines.h"
#include "lib/log.h"
#include "lib/mem.h"

#define LINE_CEILING        ((size_t)8 << 20)
#define STDERR_LINE_CEILING ((size_t)16 << 10)
#define SHOWN_MAX           500 /* bytes of a line that are reported */

/* Lines of one process that are logged; those after them are dropped. */
#define UNEXPECTED_OUTPUT_MAX 50

struct cli_process {
	const struct cli_host *host;
	const char *room, *bot;
	const struct cli_process_events *events;
	void *arg;
	struct child *child;
	struct lines out, errors;
	char *last_error; /* line of stderr; NULL: none */
	unsigned unexpected_output;
	enum child_step step;
};

/* The first fields of each log event. */
#define OF(process)                                                                    \
	"room", LOG_TEXT((process)->room), "bot", LOG_TEXT((process)->bot), "child",   \
		LOG_INT(child_pid((process)->child))

static void report_unexpected(struct cli_process *process, const char *line)
{
	SCOPED(mem_free) char *shown = mem_textf("%.*s", SHOWN_MAX, line);

	if (process->unexpected_output++ >= UNEXPECTED_OUTPUT_MAX)
		return;
	log_event("cli.unexpected_output", OF(process), "line", LOG_TEXT(shown), "last",
		LOG_BOOL(process->unexpected_output == UNEXPECTED_OUTPUT_MAX));
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct cli_process *process = arg;
	SCOPED(json_free) cJSON *json = cut ? NULL : json_parse(line, len);
	struct cli_message message;

	if (json && cli_message_read(&message, json))
		process->events->message(process->arg, &message);
	else if (len > 0)
		report_unexpected(process, line);
}

static void on_error_line(void *arg, char *line, size_t len, UNUSED bool cut)
{
	struct cli_process *process = arg;

	if (len == 0)
		return;
	free(process->last_error);
	process->last_error = mem_textf("%.*s", SHOWN_MAX, line);
	report_unexpected(process, line);
}

static void feed(struct lines *lines, const char *data, size_t len)
{
	if (len > 0)
		lines_feed(lines, data, len);
	else
		lines_end(lines);
}

static void on_stdout(void *arg, const char *data, size_t len)
{
	feed(&((struct cli_process *)arg)->out, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	feed(&((struct cli_process *)arg)->errors, data, len);
}

static void on_step(void *arg, enum child_step step)
{
	struct cli_process *process = arg;

	process->step = step;
	process->host->metrics->cli_steps[step]++;
	log_event("cli.step", OF(process), "step", LOG_TEXT(child_step_names[step]));
}

static void on_reaped(void *arg, int status)
{
	struct cli_process *process = arg;
	bool signalled = WIFSIGNALED(status);
	int number = signalled ? WTERMSIG(status) : WEXITSTATUS(status);
	SCOPED(mem_free) char *why = mem_textf("the CLI %s %d%s%s",
		signalled ? "was killed by signal" : "exited with code", number,
		number != 0 && process->last_error ? ": " : "",
		number != 0 && process->last_error ? process->last_error : "");

	log_event("cli.reaped", OF(process), signalled ? "signal" : "exit_code",
		LOG_INT(number));
	if (signalled && number == SIGKILL && process->step == CHILD_KILL)
		process->host->metrics->cli_kills++;
	process->events->gone(process->arg, why);
}

static struct child *spawn(struct cli_process *process,
	const struct cli_conversation *conversation, struct err *err)
{
	SCOPED(strlist_done) struct strlist argv = {0};
	SCOPED(strlist_done) struct strlist env = {0};

	cli_command_argv(process->host, conversation, &argv);
	cli_command_env(process->host, process->room, process->bot, &env);
	return child_spawn(process->host->reaper,
		&(struct child_spec){
			.argv = (const char *const *)argv.item,
			.env = (const char *const *)env.item,
			.on_stdout = on_stdout,
			.on_stderr = on_stderr,
			.on_step = on_step,
			.on_exit = on_reaped,
			.arg = process,
			.with_stdin = true,
			.own_children = true,
		},
		err);
}

struct cli_process *cli_process_start(const struct cli_host *host,
	const struct cli_process_spec *spec, const struct cli_process_events *events,
	void *arg, struct err *err)
{
	struct cli_process *process = mem_zeroed(sizeof *process);

	process->host = host;
	process->room = spec->room;
	process->bot = spec->bot;
	process->events = events;
	process->arg = arg;
	lines_init(&process->out, LINE_CEILING, on_line, process);
	lines_init(&process->errors, STDERR_LINE_CEILING, on_error_line, process);
	process->child = spawn(process, &spec->conversation, err);
	if (!process->child) {
		cli_process_destroy(process);
		return NULL;
	}
	log_event("cli.started", OF(process));
	host->metrics->cli_starts++;
	return process;
}

bool cli_process_send(struct cli_process *process, cJSON *message)
{
	SCOPED(mem_free) char *text = json_print(message);
	SCOPED(mem_free) char *line = mem_textf("%s\n", text);

	cJSON_Delete(message);
	return child_write(process->child, line, strlen(line));
}

void cli_process_stop(struct cli_process *process, int64_t eof_ns, int64_t term_ns)
{
	child_stop(process->child, eof_ns, term_ns);
}

void cli_process_destroy(struct cli_process *process)
{
	if (!process)
		return;
	child_destroy(process->child);
	lines_done(&process->out);
	lines_done(&process->errors);
	free(process->last_error);
	free(process);
}
