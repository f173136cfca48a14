#include "harness/check/check_limits.h"

#include <string.h>

#include "harness/check/check_process.h"
#include "lib/clock.h"

/* A worker: a process above it is of the same stack, and its timeout counts. */
static bool is_worker(const struct check_input *input, const struct process *process,
	const struct stack *stack)
{
	for (const struct process *above = process->parent; above;
		above = above->parent) {
		if (above->last && check_stack(input, above) == stack)
			return true;
	}
	return false;
}

static void add_timeout(struct check *check, const struct process *process,
	const struct stack *stack, int64_t ns)
{
	for (unsigned i = 0; i < check->timeout_count; i++) {
		struct check_timeout *same = &check->timeouts[i];

		if (same->stack == stack && same->ns == ns) {
			same->count++;
			return;
		}
	}
	if (check->timeout_count == CHECK_TIMEOUTS_MAX)
		return;
	check->timeouts[check->timeout_count++] = (struct check_timeout){
		.process = process,
		.stack = stack,
		.count = 1,
		.ns = ns,
		.by_option = ns != stack_timeout_ns(stack, ""),
	};
}

static bool is_seen(const struct view *view, const struct process *process)
{
	return process->last && process->last->state != 'Z' &&
		!check_is_session(view, process);
}

static void find_timeouts(struct check *check, const struct check_input *input)
{
	const struct processes *all = &input->view->processes;

	for (unsigned i = 0; i < all->count; i++) {
		const struct process *process = &all->list[i];
		const struct stack *stack = is_seen(input->view, process)
			? check_stack(input, process)
			: NULL;
		int64_t ns =
			stack ? stack_timeout_ns(stack, process->last->command) : 0;

		if (ns && !is_worker(input, process, stack))
			add_timeout(check, process, stack, ns);
	}
}

/* Was the end of its command line not read? */
static bool is_cut(const struct process *process)
{
	return strlen(process->last->command) == sizeof process->last->command - 1;
}

/* ", by its default: its command line sets no other (--graceful-timeout), and its
 * configuration is not read" */
static void add_source(const struct check_timeout *timeout, struct buf *text)
{
	const char *option = timeout->stack->option;

	if (timeout->by_option) {
		buf_addf(text, ", by %s in its command line", option);
		return;
	}
	buf_adds(text, ", by its default: ");
	if (option && option[0] == '-')
		buf_addf(text, "%s sets no other (%s), and ",
			is_cut(timeout->process)
				? "the beginning of its command line, which was read,"
				: "its command line",
			option);
	buf_adds(text, "its configuration is not read");
	if (option && option[0] != '-')
		buf_addf(text, " (%s)", option);
}

/* As much as may be used of a grace. */
static void add_longer_grace(int64_t time_ns, struct buf *cure)
{
	long long seconds = (time_ns * 5 / 4 + CLOCK_S - 1) / CLOCK_S;

	buf_addf(cure,
		"%s longer grace: `docker run --stop-timeout %lld`, in compose "
		"`stop_grace_period: %llds`.",
		cure->len ? " Or a" : "A", seconds, seconds);
}

static void find_too_long(struct check *check, int64_t grace_ns)
{
	SCOPED(buf_done) struct buf cure = {0};
	const struct check_timeout *longest = NULL;
	int64_t sum_ns = 0;
	unsigned count = 0;
	struct buf text = {0};

	for (unsigned i = 0; i < check->timeout_count; i++) {
		const struct check_timeout *timeout = &check->timeouts[i];

		if (timeout->ns == STACK_UNBOUNDED)
			continue;
		count += timeout->count;
		sum_ns += timeout->ns * timeout->count;
		if (!longest || timeout->ns > longest->ns)
			longest = timeout;
	}
	if (!longest || sum_ns < grace_ns)
		return;
	buf_addf(&text, "%s may take %s for its own graceful stop",
		longest->stack->name, CLOCK_TEXT(longest->ns));
	add_source(longest, &text);
	if (longest->ns < grace_ns)
		buf_addf(&text,
			", and all %u that have such a time up to %s, one after "
			"the other",
			count, CLOCK_TEXT(sum_ns));
	buf_addf(&text, "; the grace is %s", CLOCK_TEXT(grace_ns));
	stack_add_cure(longest->stack, grace_ns, &cure);
	add_longer_grace(sum_ns, &cure);
	check_add(check, CHECK_MAY_FAIL,
		longest->ns < grace_ns ? DIAGNOSIS_H2 : DIAGNOSIS_H15, buf_text(&cure),
		&text);
}

static bool is_unbounded(const struct check *check, const struct stack *stack)
{
	for (unsigned i = 0; i < check->timeout_count; i++) {
		if (check->timeouts[i].stack == stack &&
			check->timeouts[i].ns == STACK_UNBOUNDED)
			return true;
	}
	return false;
}

/* A process of this stack (NULL: of none that has no bound) with a client's connection;
 * NULL: there is none. */
static const struct process *with_client(const struct check *check,
	const struct check_input *input, const struct stack *stack)
{
	const struct processes *all = &input->view->processes;

	for (unsigned i = 0; i < all->count; i++) {
		const struct process *process = &all->list[i];
		const struct stack *its;

		if (!is_seen(input->view, process) || !process_has_client(process))
			continue;
		its = check_stack(input, process);
		if (stack ? its == stack : !is_unbounded(check, its))
			return process;
	}
	return NULL;
}

/* "uvicorn (pid 1) has 2 connections open (one from 10.0.0.1:4711)" */
static void add_connections(const struct process *process, struct buf *text)
{
	process_add_name(process, text);
	buf_addf(text, " has %u connection%s open (%s%s)", process->last->connections,
		process->last->connections == 1 ? "" : "s",
		process->last->connections == 1 ? "from " : "one from ",
		process->last->peer);
}

static void find_unbounded(struct check *check, const struct check_input *input)
{
	for (unsigned i = 0; i < check->timeout_count; i++) {
		const struct check_timeout *timeout = &check->timeouts[i];
		const struct process *client;
		SCOPED(buf_done) struct buf cure = {0};
		struct buf text = {0};

		if (timeout->ns != STACK_UNBOUNDED)
			continue;
		client = with_client(check, input, timeout->stack);
		buf_addf(&text,
			"%s takes as long for its graceful stop as the work under way",
			timeout->stack->name);
		add_source(timeout, &text);
		if (client) {
			buf_adds(&text, "; ");
			add_connections(client, &text);
		} else {
			buf_adds(&text, "; no connection of a client is open now");
		}
		stack_add_cure(
			timeout->stack, input->view->scenario->stop.grace_ns, &cure);
		check_add(check, client ? CHECK_MAY_FAIL : CHECK_NOTE,
			client ? DIAGNOSIS_H8 : DIAGNOSIS_ANY,
			cure.len ? buf_text(&cure) : NULL, &text);
	}
}

static void find_clients(struct check *check, const struct check_input *input)
{
	const struct process *client = with_client(check, input, NULL);
	struct buf text = {0};

	if (!client)
		return;
	add_connections(client, &text);
	buf_adds(&text,
		": it has to end them, or what they are in the middle of is lost");
	check_add(check, CHECK_NOTE, DIAGNOSIS_H8, NULL, &text);
}

void check_limits(struct check *check, const struct check_input *input)
{
	if (!input->view->pid1)
		return;
	find_timeouts(check, input);
	find_too_long(check, input->view->scenario->stop.grace_ns);
	find_unbounded(check, input);
	find_clients(check, input);
}
