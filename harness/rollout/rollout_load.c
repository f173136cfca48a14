#include "harness/rollout/rollout_load.h"

#include <string.h>

#include "harness/rollout/rollout_up.h"
#include "lib/clock.h"
#include "lib/mem.h"

static bool is_balanced(const void *arg)
{
	return balancer_has_settled(((const struct rollout_state *)arg)->balancer);
}

static bool flows(const void *arg)
{
	return traffic_flows(((const struct rollout_state *)arg)->traffic);
}

static bool is_quiet(const void *arg)
{
	return traffic_is_quiet(((const struct rollout_state *)arg)->traffic);
}

/* Without a balancer: the first task's published port. */
static char *base_of(const struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;

	if (state->balancer)
		return mem_text(balancer_url(state->balancer));
	for (unsigned i = 0; i < cluster->task_count; i++) {
		if (rollout_takes_requests(&cluster->tasks[i]))
			return mem_textf("http://%s", cluster->tasks[i].address);
	}
	return NULL;
}

bool rollout_load_begin(struct rollout_state *state)
{
	const struct load_request_part *part = &state->scenario->load.request;
	struct err err = {0};

	rollout_step_says(state, "letting the traffic flow");
	rollout_balance(state);
	if (state->balancer &&
		rollout_await(state, is_balanced, 30 * CLOCK_S) != WAIT_SO)
		return rollout_trouble(state, TROUBLE_LOAD,
			"the balancer does not send requests to every task");
	state->base = base_of(state);
	state->traffic =
		traffic_create(state->options->of_case.loop, part, state->base, &err);
	if (!state->traffic)
		return rollout_trouble(state, TROUBLE_LOAD, "%s", err.text);
	state->rollout->traffic_ns = clock_now();
	traffic_begin(state->traffic);
	if (rollout_await(state, flows, part->within_ns) == WAIT_SO)
		return true;
	for (unsigned i = 0; i < TRAFFIC_CLASSES; i++) {
		const char *first =
			traffic_first(state->traffic, (enum traffic_class)i);

		if (first)
			return rollout_trouble(state, TROUBLE_LOAD,
				"the traffic does not flow before anything happens: %s",
				first);
	}
	return rollout_trouble(state, TROUBLE_LOAD, "the traffic does not flow");
}

static unsigned requests_ended(const struct rollout_state *state)
{
	unsigned count;

	traffic_records(state->traffic, &count);
	return count;
}

/* So that "after" is more than a moment. */
static bool has_gone_on(const void *arg)
{
	const struct rollout_state *state = arg;

	return requests_ended(state) - state->requests_before >=
		2 * (unsigned)state->scenario->load.request.concurrency;
}

static void keep_backends(struct rollout_state *state)
{
	struct rollout *rollout = state->rollout;

	for (unsigned i = 0; i < rollout->request_count; i++) {
		unsigned backend = rollout->requests[i].backend;

		if (backend >= rollout->backend_count)
			rollout->backend_count = backend + 1;
	}
	rollout->backends =
		mem_zeroed((rollout->backend_count + 1) * sizeof *rollout->backends);
	for (unsigned i = 0; i < rollout->backend_count; i++)
		rollout->backends[i] = mem_text(traffic_backend(state->traffic, i));
}

void rollout_load_end(struct rollout_state *state)
{
	struct rollout *rollout = state->rollout;
	const struct traffic_record *records;

	if (!state->traffic)
		return;
	traffic_hold(state->traffic);
	rollout->held_ns = clock_now();
	rollout_await(state, is_quiet, state->scenario->load.request.within_ns);
	records = traffic_records(state->traffic, &rollout->request_count);
	rollout->requests =
		mem_grown(NULL, rollout->request_count + 1, sizeof *records);
	memcpy(rollout->requests, records, rollout->request_count * sizeof *records);
	rollout->requests_dropped = traffic_dropped(state->traffic);
	keep_backends(state);
	for (unsigned i = 0; i < TRAFFIC_CLASSES; i++) {
		const char *first =
			traffic_first(state->traffic, (enum traffic_class)i);

		rollout->first_failed[i] = mem_text(first);
	}
}

void rollout_load_go_on(struct rollout_state *state)
{
	state->requests_before = requests_ended(state);
	rollout_await(state, has_gone_on, state->scenario->load.request.within_ns);
}
