#include "harness/run/observe.h"

#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

struct sampler *observe_stop(uv_loop_t *loop, struct subject *subject, int64_t grace_ns,
	struct evidence *evidence, struct err *err)
{
	struct sampler *sampler = sampler_begin(loop, subject, grace_ns, evidence);

	if (subject_stop(subject, err))
		return sampler;
	sampler_end(sampler);
	return NULL;
}

static void copy_descendants(const struct subject *subject, struct evidence *evidence)
{
	const struct proc_record *records;
	unsigned count;

	evidence->descendants_known = subject_descendants(subject, &records, &count);
	if (!evidence->descendants_known || count == 0)
		return;
	evidence->descendant_count = count;
	evidence->descendants = mem_grown(NULL, count, sizeof *records);
	memcpy(evidence->descendants, records, count * sizeof *records);
}

static void copy_signals(const struct subject *subject, struct evidence *evidence)
{
	const struct proc_signal *signals;
	unsigned count = 0;

	/* Where some were lost, those that were seen were sent all the same. */
	evidence->signals_known = subject_signals(subject, &signals, &count);
	if (count == 0)
		return;
	evidence->signal_count = count;
	evidence->signals = mem_grown(NULL, count, sizeof *signals);
	memcpy(evidence->signals, signals, count * sizeof *signals);
}

bool observe_facts(struct subject *subject, struct evidence *evidence, struct err *err)
{
	bool ok = subject_inspect(subject, err);

	evidence->facts = subject->facts;
	evidence->engine_events = subject_engine_events(subject);
	copy_descendants(subject, evidence);
	copy_signals(subject, evidence);
	evidence_bound_log(evidence);
	if (evidence->facts.unobserved[0] && evidence->trouble == TROUBLE_NONE) {
		evidence->trouble = TROUBLE_NOT_UP;
		snprintf(evidence->trouble_text, sizeof evidence->trouble_text,
			"the engine lost sight of it: %s", evidence->facts.unobserved);
	}
	return ok;
}

static void add_client_close(
	struct evidence *evidence, unsigned port, struct connection_close close)
{
	const unsigned count = evidence->client_close_count++;

	evidence->client_closes = mem_grown(
		evidence->client_closes, count + 1, sizeof *evidence->client_closes);
	evidence->client_closes[count] = (struct client_close){port, close};
}

void observe_client_closes(const struct subject *subject, struct evidence *evidence)
{
	const struct event *listening =
		evidence_find_event(evidence, EVENT_LEDGER, "agent.listening", 0);
	int64_t agent_port = listening ? event_int(listening, "port", 0) : 0;

	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];
		int64_t port = event_int(event, "port", 0);

		if (strcmp(event->name, "agent.session.closed") == 0 &&
			evidence_is_agents(evidence, event) &&
			event->ns >= evidence->facts.asked_ns)
			add_client_close(evidence, (unsigned)port,
				subject_close_of(
					subject, (unsigned)port, (unsigned)agent_port));
	}
}
