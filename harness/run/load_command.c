#include "harness/run/load_command.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "harness/engine/facts.h"
#include "lib/child.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "lib/reaper.h"
#include "lib/utf8.h"

#define LINE_CEILING ((size_t)4 << 10)

struct load_command {
	struct reaper *reaper;
	struct child *child;
	struct lines out, err;
	char *last; /* line of stderr, or of stdout where there is none; or NULL */
	bool spoke; /* on stderr */
	bool told;  /* to end */
	bool ended;
	int status; /* waitpid's */
};

static void keep(struct load_command *command, const char *line)
{
	free(command->last);
	command->last = utf8_mend(line, "");
}

static void on_out_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct load_command *command = arg;

	if (len > 0 && !command->spoke)
		keep(command, line);
}

static void on_err_line(void *arg, char *line, size_t len, bool cut UNUSED)
{
	struct load_command *command = arg;

	if (len == 0)
		return;
	command->spoke = true;
	keep(command, line);
}

static void on_out(void *arg, const char *data, size_t len)
{
	struct load_command *command = arg;

	if (len > 0)
		lines_feed(&command->out, data, len);
	else
		lines_end(&command->out);
}

static void on_err(void *arg, const char *data, size_t len)
{
	struct load_command *command = arg;

	if (len > 0)
		lines_feed(&command->err, data, len);
	else
		lines_end(&command->err);
}

static void on_exit_of_it(void *arg, int status)
{
	struct load_command *command = arg;

	command->ended = true;
	command->status = status;
}

struct load_command *load_command_begin(
	uv_loop_t *loop, const char *const *argv, struct err *err)
{
	struct load_command *command = mem_zeroed(sizeof *command);

	lines_init(&command->out, LINE_CEILING, on_out_line, command);
	lines_init(&command->err, LINE_CEILING, on_err_line, command);
	command->reaper = reaper_create(loop, NULL, NULL, err);
	if (command->reaper)
		command->child = child_spawn(command->reaper,
			&(struct child_spec){
				.argv = argv,
				.on_stdout = on_out,
				.on_stderr = on_err,
				.on_exit = on_exit_of_it,
				.arg = command,
			},
			err);
	if (command->child)
		return command;
	load_command_destroy(command);
	return NULL;
}

bool load_command_has_ended(const struct load_command *command)
{
	return command->ended;
}

void load_command_end(struct load_command *command)
{
	if (command->ended)
		return;
	command->told = true;
	child_stop(command->child, 0, LOAD_COMMAND_NS);
}

char *load_command_failure(const struct load_command *command)
{
	int status = command->status;
	char text[WAIT_STATUS_TEXT_SIZE];
	bool obeyed = command->told &&
		(WIFSIGNALED(status) ? WTERMSIG(status) == SIGTERM
				     : WEXITSTATUS(status) == 128 + SIGTERM);

	if (status == 0 || obeyed)
		return NULL;
	return mem_textf("ended with %s: %s", wait_status_name(status, text),
		command->last ? command->last : "(it printed nothing)");
}

void load_command_destroy(struct load_command *command)
{
	if (!command)
		return;
	child_destroy(command->child);
	reaper_destroy(command->reaper);
	lines_done(&command->out);
	lines_done(&command->err);
	free(command->last);
	free(command);
}
