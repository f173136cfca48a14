#include "harness/run/case_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/redact.h"
#include "lib/clock.h"

static void report_step(void *arg)
{
	struct case_state *state = arg;
	const struct evidence *evidence = state->evidence;
	unsigned opened = evidence_count(evidence, "agent.session.opened") +
		evidence_count(evidence, "agent.session.resumed");
	unsigned ended = evidence_count(evidence, "agent.disconnect.done") +
		evidence_count(evidence, "agent.session.closed");

	state->options.step(state->options.arg,
		&(struct case_step){
			.what = state->step,
			.sessions = opened > ended ? opened - ended : 0,
			.asked_ns = state->asked_ns,
			.grace_ns = state->scenario->stop.grace_ns,
		});
	if (state->again)
		loop_timer_set(state->again, state->options.step_every_ns);
}

void case_state_step(struct case_state *state, const char *format, ...)
{
	va_list args;

	if (!state->options.step)
		return;
	va_start(args, format);
	vsnprintf(state->step, sizeof state->step, format, args);
	va_end(args);
	if (state->options.step_every_ns && !state->again)
		state->again =
			loop_timer_create(state->options.loop, report_step, state);
	report_step(state);
}

bool case_state_trouble(
	struct case_state *state, enum trouble kind, const char *format, ...)
{
	struct evidence *evidence = state->evidence;
	va_list args;

	evidence->trouble = kind;
	va_start(args, format);
	vsnprintf(evidence->trouble_text, sizeof evidence->trouble_text, format, args);
	va_end(args);
	return false;
}

enum wait_end case_state_wait(
	const struct case_state *state, wait_fn *is_so, int64_t within_ns)
{
	return wait_until(state->options.loop, is_so, state, clock_now() + within_ns,
		state->options.interrupted);
}

const char *case_state_last_line(struct case_state *state)
{
	const struct evidence *evidence = state->evidence;

	if (evidence->log_count == 0)
		return "(it printed nothing)";
	free(state->last_line);
	state->last_line =
		redact(state->scenario, evidence->log[evidence->log_count - 1].text);
	return state->last_line;
}

bool case_state_waits_for_exit(const struct case_state *state)
{
	return strcmp(state->scenario->stop.when, "exit") == 0;
}
