#include "harness/run/evidence.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

const char *const trouble_names[] = {
	[TROUBLE_NONE] = "none",
	[TROUBLE_NOT_UP] = "not-up",
	[TROUBLE_NOT_READY] = "not-ready",
	[TROUBLE_EXITED] = "exited",
	[TROUBLE_LOAD] = "load",
	[TROUBLE_WHEN] = "when",
	[TROUBLE_INTERRUPTED] = "interrupted",
	NULL,
};

const char *request_end_name(enum request_end end)
{
	static const char *const names[] = {
		[REQUEST_PENDING] = "never answered",
		[REQUEST_ANSWERED] = "answered",
		[REQUEST_TURNED_AWAY] = "turned away",
		[REQUEST_WRONG] = "answered wrongly",
		[REQUEST_UNPROVEN] = "answered, whole or cut",
		[REQUEST_REFUSED] = "refused",
		[REQUEST_BROKEN] = "lost",
	};

	return names[end];
}

/* The engine reports that it killed up to this much later than it did: 15 ms were
 * seen. */
#define KILL_EVENT_ERROR_NS (250 * CLOCK_MS)

/* Our reading of a hang-up lags behind it. */
#define LIFELINE_LATE_NS (250 * CLOCK_MS)

/* The kernel ends a PID namespace within this before PID 1 is reported gone (a few ms
 * were seen), and our reading of a hang-up lags behind it. */
#define NEAR_NS (250 * CLOCK_MS)

struct event_count {
	char *name;
	unsigned count;
	UT_hash_handle hh;
};

/* Room for one more: arrays double, so that a thousand sessions cost no copying. */
static void *with_room(void *array, unsigned count, size_t size)
{
	if (count == 0 || (count >= 16 && (count & (count - 1)) == 0) || count == 8)
		return mem_grown(array, count < 8 ? 8 : (size_t)count * 2, size);
	return array;
}

#define MAKE_ROOM(array, count) ((array) = with_room((array), (count), sizeof *(array)))

/* The mock agent API's lifeline; -1: it has none. */
static int agent_lifeline(const struct evidence *evidence)
{
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const char *role = evidence->lifelines[i].role;

		if (role && strcmp(role, "mock-agent") == 0)
			return (int)i;
	}
	return -1;
}

bool evidence_is_agents(const struct evidence *evidence, const struct event *event)
{
	return event->source == EVENT_LEDGER &&
		event->lifeline == agent_lifeline(evidence);
}

bool evidence_is_replacements(
	const struct evidence *evidence, const struct event *event)
{
	const char *session = evidence->replaced ? event_text(event, "session") : NULL;

	return session && strtoul(session, NULL, 10) > evidence->replaced;
}

/* An event of a mock that another process wrote must not bring the stop. */
static bool is_from_its_writer(const struct evidence *evidence, const char *name,
	enum event_source source, int lifeline)
{
	static const char *const of_lifelines[] = {"process.", "mcp.initialized",
		"mcp.tool.begin", "mcp.tool.end", "mcp.eof", "mcp.signal", "mcp.child",
		"cli.initialized", "cli.turn.", "cli.tool", "cli.interrupted",
		"cli.eof", "cli.signal"};

	if (strncmp(name, "agent.", 6) == 0)
		return source == EVENT_LEDGER && lifeline == agent_lifeline(evidence);
	for (size_t i = 0; i < COUNT(of_lifelines); i++) {
		if (strncmp(name, of_lifelines[i], strlen(of_lifelines[i])) == 0)
			return source == EVENT_LEDGER;
	}
	return true;
}

/* NULL: no event of that name was kept. */
static struct event_count *count_of(const struct evidence *evidence, const char *name)
{
	struct event_count *count;

	HASH_FIND_STR(evidence->counts, name, count);
	return count;
}

/* A name that is new is only learnt with an event that is kept: names take room too. */
static struct event_count *learn_name(struct evidence *evidence, const char *name)
{
	struct event_count *count = count_of(evidence, name);

	if (count)
		return count;
	count = mem_zeroed(sizeof *count);
	count->name = mem_text(name);
	HASH_ADD_KEYPTR(hh, evidence->counts, count->name, strlen(count->name), count);
	return count;
}

unsigned evidence_count(const struct evidence *evidence, const char *name)
{
	const struct event_count *count = count_of(evidence, name);

	return count ? count->count : 0;
}

/* A stamp from outside of the case is none: its writer has another clock, or lies. */
static int64_t stamp_of(const struct evidence *evidence, const cJSON *json)
{
	int64_t now_ns = clock_now();
	int64_t ns = json_int(json, "ns", now_ns);

	return ns >= evidence->began_ns && ns <= now_ns ? ns : now_ns;
}

/* Takes members. */
static void keep_event(struct evidence *evidence, const struct event *event)
{
	MAKE_ROOM(evidence->events, evidence->event_count);
	evidence->events[evidence->event_count++] = *event;
}

void evidence_add_event(
	struct evidence *evidence, enum event_source source, int lifeline, cJSON *json)
{
	const char *name = json_text(json, "event");
	struct event event = {.source = source, .lifeline = lifeline};
	struct event_count *count;
	size_t bytes = 0;
	bool kept;

	if (name)
		event.members = event_pack(json, &bytes);
	bytes += sizeof event;
	kept = name && evidence->event_count < EVIDENCE_EVENTS_MAX &&
		bytes <= EVIDENCE_EVENTS_BYTES - evidence->event_bytes;
	if (kept) {
		event.ns = stamp_of(evidence, json);
		event.name = learn_name(evidence, name)->name;
		evidence->event_bytes += bytes;
		keep_event(evidence, &event);
	} else {
		evidence->events_dropped += name != NULL;
		free(event.members);
	}
	count = name ? count_of(evidence, name) : NULL;
	if (count && is_from_its_writer(evidence, name, source, lifeline))
		count->count++;
	cJSON_Delete(json);
}

void evidence_add_log(
	struct evidence *evidence, int64_t ns, const char *line, size_t len)
{
	cJSON *json = len > 0 && line[0] == '{' ? json_parse(line, len) : NULL;

	if (evidence->log_count < EVIDENCE_LOG_MAX &&
		len <= EVIDENCE_LOG_BYTES - evidence->log_bytes) {
		evidence->log_bytes += len;
		MAKE_ROOM(evidence->log, evidence->log_count);
		evidence->log[evidence->log_count++] = (struct log_line){
			.ns = ns,
			.text = mem_textf("%.*s", (int)len, line),
		};
	} else {
		evidence->log_dropped++;
	}
	if (json)
		evidence_add_event(evidence, EVENT_SERVICE, -1, json);
}

void evidence_bound_log(struct evidence *evidence)
{
	int64_t end = evidence->facts.exit_ns;

	if (!evidence->capabilities.pid1_rules || !end)
		return;
	for (unsigned i = 0; i < evidence->log_count; i++) {
		if (evidence->log[i].ns > end)
			evidence->log[i].ns = end;
	}
}

int evidence_add_lifeline(struct evidence *evidence, pid_t pid)
{
	unsigned index = evidence->lifeline_count;

	if (index == EVIDENCE_LIFELINES_MAX) {
		evidence->lifelines_dropped++;
		return -1;
	}
	MAKE_ROOM(evidence->lifelines, index);
	evidence->lifelines[index] = (struct lifeline){
		.pid = pid,
		.opened_ns = clock_now(),
	};
	evidence->lifeline_count++;
	return (int)index;
}

unsigned evidence_add_request(struct evidence *evidence, enum request_kind kind,
	unsigned session, const char *room, const char *bot)
{
	unsigned index = evidence->request_count;

	MAKE_ROOM(evidence->requests, index);
	evidence->requests[index] = (struct load_request){
		.kind = kind,
		.session = session,
		.room = mem_text(room),
		.bot = mem_text(bot),
		.sent_ns = clock_now(),
	};
	evidence->request_count++;
	return index;
}

void evidence_add_snapshot(struct evidence *evidence, struct snapshot *snapshot)
{
	evidence->snapshots = with_room(evidence->snapshots, evidence->snapshot_count,
		sizeof *evidence->snapshots);
	evidence->snapshots[evidence->snapshot_count++] = *snapshot;
	*snapshot = (struct snapshot){0};
}

struct death evidence_death(const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	struct death death = {0};

	if (facts->dying_ns)
		death.ns = facts->dying_ns;
	if (facts->kill_ns && (!death.ns || facts->kill_ns < death.ns)) {
		death.ns = facts->kill_ns;
		death.error_ns =
			facts->kill_source == STAMP_ENGINE ? KILL_EVENT_ERROR_NS : 0;
	}
	if (!death.ns)
		death = (struct death){facts->exit_ns, facts->exit_error_ns, true};
	return death;
}

int64_t death_earliest_ns(const struct death *death)
{
	return death->ns - death->error_ns - (death->only_end ? NEAR_NS : 0);
}

const struct snapshot *evidence_last_snapshot(const struct evidence *evidence)
{
	int64_t death_ns = evidence_death(evidence).ns;
	int64_t kill_ns = evidence->facts.kill_ns;
	const struct snapshot *last = NULL;

	for (unsigned i = 0; i < evidence->snapshot_count; i++) {
		const struct snapshot *snapshot = &evidence->snapshots[i];

		if ((!death_ns || snapshot->ns < death_ns) &&
			(!kill_ns || snapshot->ns < kill_ns))
			last = snapshot;
	}
	return last;
}

static bool handler_ran(const struct evidence *evidence, pid_t pid)
{
	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (signal->what == PROC_SIGNAL_HANDLED && signal->pid == pid &&
			signal->signal == evidence->facts.stop_signal &&
			signal->ns >= evidence->facts.signal_ns)
			return true;
	}
	return false;
}

/* Every signal that can be blocked, as libc does around a fork. (One that sleeps so reads
 * them from a signalfd.) */
static bool blocks_all(const struct proc *proc)
{
	const uint64_t classic = (UINT64_C(1) << 31) - 1;
	const uint64_t never =
		UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);

	return ((proc->blocked | never) & classic) == classic && proc->state != 'S' &&
		!proc_awaits_signals(proc);
}

/* Could it ever take the stop signal, in a snapshot up to the last one? */
static bool was_receiver(const struct evidence *evidence, const struct snapshot *last)
{
	int number = evidence->facts.stop_signal;

	for (const struct snapshot *snapshot = evidence->snapshots; snapshot <= last;
		snapshot++) {
		const struct proc *pid1 = snapshot->procs;

		if (snapshot->count && !blocks_all(pid1) &&
			(proc_receives(pid1, number) || proc_is_init(pid1)))
			return true;
	}
	return false;
}

enum signal_delivery evidence_delivery(const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	const struct snapshot *last = evidence_last_snapshot(evidence);
	const struct proc *pid1;

	if (facts->signal_delivery != DELIVERY_DELIVERED || !evidence->signals_known ||
		!facts->kill_ns || !last || !last->count ||
		last->ns <= facts->signal_ns || facts->exec_ns > facts->signal_ns)
		return facts->signal_delivery;
	pid1 = &last->procs[0];
	return pid1->ns_pid != 1 || handler_ran(evidence, pid1->pid) ||
			was_receiver(evidence, last) ||
			proc_mask_has(pid1->shared_pending | pid1->pending,
				facts->stop_signal)
		? DELIVERY_DELIVERED
		: DELIVERY_IGNORED;
}

bool lifeline_is_of(const struct lifeline *lifeline, const struct proc_record *record)
{
	return lifeline->pid == record->pid && lifeline->opened_ns >= record->born_ns &&
		(!record->ended_ns ||
			lifeline->opened_ns <= record->ended_ns + LIFELINE_LATE_NS);
}

const struct lifeline *evidence_lifeline_of(
	const struct evidence *evidence, const struct proc_record *record)
{
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		if (lifeline_is_of(&evidence->lifelines[i], record))
			return &evidence->lifelines[i];
	}
	return NULL;
}

const struct event *evidence_find_event(const struct evidence *evidence,
	enum event_source source, const char *name, int64_t since_ns)
{
	if (evidence_count(evidence, name) == 0)
		return NULL;
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source == source && event->ns >= since_ns &&
			strcmp(event->name, name) == 0)
			return event;
	}
	return NULL;
}

void evidence_done(struct evidence *evidence)
{
	struct event_count *count, *next;

	for (unsigned i = 0; i < evidence->event_count; i++)
		free(evidence->events[i].members);
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		free(evidence->lifelines[i].role);
		free(evidence->lifelines[i].name);
		free(evidence->lifelines[i].session);
	}
	for (unsigned i = 0; i < evidence->request_count; i++) {
		free(evidence->requests[i].room);
		free(evidence->requests[i].bot);
		free(evidence->requests[i].why);
	}
	for (unsigned i = 0; i < evidence->snapshot_count; i++)
		snapshot_done(&evidence->snapshots[i]);
	for (unsigned i = 0; i < evidence->log_count; i++)
		free(evidence->log[i].text);
	free(evidence->load_command);
	free(evidence->events);
	free(evidence->lifelines);
	free(evidence->requests);
	free(evidence->snapshots);
	free(evidence->descendants);
	free(evidence->signals);
	free(evidence->connections);
	free(evidence->client_closes);
	free(evidence->log);
	HASH_ITER(hh, evidence->counts, count, next) {
		HASH_DEL(evidence->counts, count);
		free(count->name);
		free(count);
	}
	cJSON_Delete(evidence->engine_events);
	*evidence = (struct evidence){0};
}
