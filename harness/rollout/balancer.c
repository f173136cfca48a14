#include "harness/rollout/balancer.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/rollout/balancer_ops.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define UP_NS        (10 * CLOCK_S)
#define STOP_NS      (5 * CLOCK_S)
#define SAID_CEILING ((size_t)16 << 10)
#define LINE_CEILING ((size_t)64 << 10)

/* --- its process --- */

static void on_line(void *arg, char *line, size_t len UNUSED, bool cut UNUSED)
{
	struct balancer *balancer = arg;

	if (balancer->ops->line)
		balancer->ops->line(balancer, line);
}

static void on_output(void *arg, const char *data, size_t len)
{
	struct balancer *balancer = arg;

	buf_add(&balancer->said, data, len);
	if (balancer->log >= 0)
		(void)!write(balancer->log, data, len);
	lines_feed(&balancer->lines, data, len);
}

static void on_exit_of_child(void *arg, int status UNUSED)
{
	struct balancer *balancer = arg;

	balancer->exited = true;
}

bool balancer_spawn(struct balancer *balancer, const char *const *argv, struct err *err)
{
	SCOPED(mem_free)
	char *log = mem_textf("%s/balancer.log", balancer->options.folder);

	balancer->log =
		open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (balancer->log < 0)
		return err_sys(err, "%s", log);
	balancer->reaper = reaper_create(balancer->options.loop, NULL, NULL, err);
	if (balancer->reaper)
		balancer->child = child_spawn(balancer->reaper,
			&(struct child_spec){
				.argv = argv,
				.on_stdout = on_output,
				.on_stderr = on_output,
				.on_exit = on_exit_of_child,
				.arg = balancer,
				.dies_with_us = true,
			},
			err);
	return balancer->child != NULL;
}

struct await {
	const struct balancer *balancer;
	wait_fn *is_up;
};

static bool is_up_or_gone(const void *arg)
{
	const struct await *await = arg;

	return await->balancer->exited || await->is_up(await->balancer);
}

bool balancer_await(struct balancer *balancer, wait_fn *is_up, struct err *err)
{
	const struct await await = {balancer, is_up};

	if (wait_until(balancer->options.loop, is_up_or_gone, &await,
		    clock_now() + UP_NS, balancer->options.interrupted) == WAIT_SO &&
		!balancer->exited)
		return true;
	return err_set(
		err, "it did not start to listen: %s", buf_text(&balancer->said));
}

static bool is_gone(const void *arg)
{
	return ((const struct balancer *)arg)->exited;
}

/* --- the calls --- */

struct balancer *balancer_up(const struct balancer_options *options, struct err *err)
{
	struct balancer *balancer = mem_zeroed(sizeof *balancer);

	assert(options->part->kind != BALANCER_NONE);
	balancer->ops = options->part->kind == BALANCER_HAPROXY ? &haproxy_balancer
								: &own_balancer;
	balancer->options = *options;
	balancer->log = -1;
	buf_init(&balancer->said, SAID_CEILING);
	lines_init(&balancer->lines, LINE_CEILING, on_line, balancer);
	if (balancer->ops->up(balancer, err))
		return balancer;
	err_while(err, "balancer");
	balancer_down(balancer);
	return NULL;
}

const char *balancer_url(const struct balancer *balancer)
{
	return balancer->url;
}

void balancer_set(
	struct balancer *balancer, const char *const *backends, unsigned count)
{
	strlist_done(&balancer->wanted);
	balancer->wanted = (struct strlist){0};
	for (unsigned i = 0; i < count; i++)
		strlist_add(&balancer->wanted, "%s", backends[i]);
	balancer->ops->changed(balancer);
}

bool balancer_wants(const struct balancer *balancer, const char *address)
{
	for (unsigned i = 0; i < balancer->wanted.count; i++)
		if (strcmp(balancer->wanted.item[i], address) == 0)
			return true;
	return false;
}

bool balancer_has_settled(const struct balancer *balancer)
{
	return balancer_running(balancer) && balancer->ops->has_settled(balancer);
}

bool balancer_running(const struct balancer *balancer)
{
	return balancer->child && !balancer->exited;
}

void balancer_down(struct balancer *balancer)
{
	if (!balancer)
		return;
	if (balancer_running(balancer)) {
		child_stop(balancer->child, 0, STOP_NS);
		wait_until(balancer->options.loop, is_gone, balancer,
			clock_now() + 2 * STOP_NS, NULL);
	}
	balancer->ops->down(balancer);
	child_destroy(balancer->child);
	reaper_destroy(balancer->reaper);
	if (balancer->log >= 0)
		close(balancer->log);
	strlist_done(&balancer->wanted);
	buf_done(&balancer->said);
	lines_done(&balancer->lines);
	free(balancer->url);
	free(balancer);
}
