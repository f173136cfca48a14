#include "harness/rollout/rollout_state.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/clock.h"

void rollout_step_says(struct rollout_state *state, const char *format, ...)
{
	const struct case_options *options = &state->options->of_case;
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (options->step)
		options->step(options->arg, &(struct case_step){.what = text});
}

bool rollout_trouble(
	struct rollout_state *state, enum trouble kind, const char *format, ...)
{
	struct evidence *evidence = state->evidence;
	va_list args;

	if (evidence->trouble != TROUBLE_NONE)
		return false;
	evidence->trouble =
		*state->options->of_case.interrupted ? TROUBLE_INTERRUPTED : kind;
	if (evidence->trouble == TROUBLE_INTERRUPTED)
		format = "interrupted";
	va_start(args, format);
	vsnprintf(evidence->trouble_text, sizeof evidence->trouble_text, format, args);
	va_end(args);
	return false;
}

enum wait_end rollout_await(
	const struct rollout_state *state, wait_fn *is_so, int64_t within_ns)
{
	return wait_until(state->options->of_case.loop, is_so, state,
		clock_now() + within_ns, state->options->of_case.interrupted);
}

bool rollout_takes_requests(const struct cluster_task *task)
{
	return task->wanted && task->state == TASK_RUNNING && task->address;
}
