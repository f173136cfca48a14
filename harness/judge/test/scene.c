#include "harness/judge/test/scene.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

void scene_add_event(struct judge_scene *scene, enum event_source source, int64_t ms,
	const char *format, ...)
{
	char text[512];
	va_list args;
	cJSON *json;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json = json_parse(text, strlen(text));
	assert_non_null(json);
	evidence_add_event(&scene->evidence, source, -1, json);
	/* Of a case that is not now. */
	scene->evidence.events[scene->evidence.event_count - 1].ns = T0 + ms * CLOCK_MS;
}

struct lifeline *scene_add_server(
	struct judge_scene *scene, int session, int64_t ended_ms)
{
	int index = evidence_add_lifeline(&scene->evidence, 100 + session);
	struct lifeline *lifeline = &scene->evidence.lifelines[index];

	lifeline->role = mem_text("mock-mcp");
	lifeline->name = mem_text("skills");
	lifeline->session = mem_textf("%d", session);
	lifeline->own_pid = 10 + session;
	lifeline->opened_ns = T0 - CLOCK_S;
	lifeline->ended_ns = T0 + ended_ms * CLOCK_MS;
	lifeline->eof_ns = T0 + 5 * CLOCK_MS;
	lifeline->exit_ns = lifeline->ended_ns;
	return lifeline;
}

struct proc_record *scene_add_descendant(
	struct judge_scene *scene, pid_t pid, int64_t ended_ms)
{
	struct evidence *evidence = &scene->evidence;
	struct proc_record *record;

	evidence->descendants_known = true;
	evidence->descendants = mem_grown(
		evidence->descendants, evidence->descendant_count + 1, sizeof *record);
	record = &evidence->descendants[evidence->descendant_count++];
	*record =
		(struct proc_record){.pid = pid, .ended_ns = T0 + ended_ms * CLOCK_MS};
	return record;
}

void scene_add_request(struct judge_scene *scene, enum request_kind kind, int session,
	enum request_end end)
{
	unsigned index = evidence_add_request(
		&scene->evidence, kind, (unsigned)session, "1", "personal_assistant");

	scene->evidence.requests[index].end = end;
	scene->evidence.requests[index].sent_ns =
		T0 + (kind == REQUEST_OPEN ? -600 : -200) * CLOCK_MS;
	scene->evidence.requests[index].ended_ns =
		T0 + (kind == REQUEST_OPEN ? -400 : 200) * CLOCK_MS;
	if (end == REQUEST_TURNED_AWAY)
		scene->evidence.requests[index].sent_ns = T0 + 50 * CLOCK_MS;
}

void scene_run_turn(struct judge_scene *scene, int session, int64_t from_ms,
	int64_t to_ms, const char *why)
{
	scene_add_event(scene, EVENT_LEDGER, from_ms,
		"{\"event\":\"agent.turn.begin\",\"session\":\"%d\"}", session);
	if (why)
		scene_add_event(scene, EVENT_LEDGER, to_ms,
			"{\"event\":\"agent.turn.end\",\"session\":\"%d\",\"why\":\"%s\"}",
			session, why);
}

void scene_disconnect(
	struct judge_scene *scene, int session, int64_t from_ms, int64_t to_ms)
{
	scene_add_event(scene, EVENT_SERVICE, from_ms,
		"{\"event\":\"session.disconnect.begin\",\"room\":\"%d\"}", session);
	scene_add_event(scene, EVENT_LEDGER, from_ms,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"%d\"}", session);
	if (to_ms >= 0)
		scene_add_event(scene, EVENT_LEDGER, to_ms,
			"{\"event\":\"agent.disconnect.done\",\"session\":\"%d\"}",
			session);
}

void scene_open_sessions(struct judge_scene *scene, int count)
{
	scene->scenario.load.sessions = count;
	for (int i = 1; i <= count; i++) {
		scene_add_event(scene, EVENT_LEDGER, -500,
			"{\"event\":\"agent.session.opened\",\"session\":\"%d\"}", i);
		scene_add_request(scene, REQUEST_OPEN, i, REQUEST_ANSWERED);
	}
}

void scene_begin_shutdown(struct judge_scene *scene, const char *how, int64_t grace_ns)
{
	scene_add_event(scene, EVENT_SERVICE, 1,
		"{\"event\":\"shutdown.begin\",\"disconnect\":\"%s\",\"grace_ns\":%lld}",
		how, (long long)grace_ns);
}

int scene_set_up(void **state)
{
	struct judge_scene *scene = mem_zeroed(sizeof *scene);
	struct expect_part *expect = &scene->scenario.expect;

	scene->scenario.name = mem_text("a case");
	scene->scenario.service.mocks = true;
	scene->evidence.own_service = true;
	scene->scenario.stop.grace_ns = 2 * CLOCK_S;
	scene->scenario.stop.when = mem_text("sessions.ready");
	scene->pid1[0].ns_pid = 1;
	scene->pid1[0].pid = 400;
	scene->pid1[1].pid = 401;
	scene->pid1[1].ppid = 400;
	expect->exit_codes.count = 1;
	expect->verdicts = 1u << VERDICT_CLEAN;
	expect->disconnected = expect->orphans = expect->lost = EXPECT_ANY;
	scene->evidence.facts = (struct stop_facts){
		.asked_ns = T0 - CLOCK_MS,
		.returned_ns = T0 + 320 * CLOCK_MS,
		.stop_signal = SIGTERM,
		.signal_ns = T0,
		.signal_source = STAMP_KERNEL,
		.signal_delivery = DELIVERY_DELIVERED,
		.exit_ns = T0 + 300 * CLOCK_MS,
		.exit_source = STAMP_KERNEL,
		.wait_status_known = true,
		.oom_kills = -1,
	};
	*state = scene;
	return 0;
}

void scene_play_clean(struct judge_scene *scene)
{
	scene_open_sessions(scene, 3);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	for (int i = 1; i <= 3; i++) {
		scene_disconnect(scene, i, 2, 280);
		scene_add_server(scene, i, 20);
	}
	scene_add_event(scene, EVENT_SERVICE, 290, "{\"event\":\"shutdown.complete\"}");
}

int scene_tear_down(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.snapshots = NULL; /* they are the scene's own */
	scene->evidence.snapshot_count = 0;
	evidence_done(&scene->evidence);
	mem_free(&scene->scenario.name);
	mem_free(&scene->scenario.stop.when);
	mem_free(&scene->scenario.service.image);
	strlist_done(&scene->scenario.service.env);
	mem_free(state);
	return 0;
}

void scene_kill_at_grace(struct judge_scene *scene)
{
	struct stop_facts *facts = &scene->evidence.facts;

	facts->kill_ns = T0 + scene->scenario.stop.grace_ns + 28 * CLOCK_MS;
	facts->kill_source = STAMP_KERNEL;
	facts->kill_by_engine = true;
	facts->exit_ns = facts->kill_ns + 2 * CLOCK_MS;
	if (facts->dying_ns)
		facts->dying_ns = facts->kill_ns + CLOCK_MS;
	facts->wait_status = SIGKILL;
	facts->exit_code = 137;
}

void scene_exit_with(struct judge_scene *scene, int code)
{
	scene->evidence.facts.exit_code = code;
	scene->evidence.facts.wait_status = code << 8;
}

void scene_look_at(
	struct judge_scene *scene, struct snapshot *snapshots, unsigned descendants)
{
	for (unsigned i = 0; i < 2; i++) {
		snapshots[i].ns = T0 + i * CLOCK_S;
		snapshots[i].procs = scene->pid1;
		snapshots[i].count = 1 + descendants;
		snapshots[i].has_sockets = true;
	}
	scene->evidence.snapshots = snapshots;
	scene->evidence.snapshot_count = 2;
}

/* --- a program that nobody here wrote --- */

static pid_t pid_of(unsigned number)
{
	return 400 + (pid_t)number;
}

static void name_proc(struct proc *proc, const char *name)
{
	snprintf(proc->name, sizeof proc->name, "%s", name);
	snprintf(proc->command, sizeof proc->command, "%s", name);
	snprintf(proc->exe, sizeof proc->exe, "%s", name);
}

void scene_run_program(struct judge_scene *scene, const char *name, int stop_signal)
{
	struct evidence *evidence = &scene->evidence;

	scene->scenario.service.mocks = false;
	evidence->own_service = false;
	scene->scenario.service.image = mem_text("somebody/else");
	evidence->descendants_known = evidence->signals_known = true;
	evidence->facts.stop_signal = stop_signal;
	evidence->facts.dying_ns = evidence->facts.exit_ns - CLOCK_MS;
	scene->before[0] = (struct proc){
		.pid = pid_of(0),
		.ns_pid = 1,
		.state = 'S',
		.threads = 1,
		.syscall = CALL_PAUSE,
		.caught = MASK(stop_signal),
	};
	name_proc(&scene->before[0], name);
	scene->last[0] = scene->before[0];
	scene->process_count = 1;
	scene->looks[0] = (struct snapshot){.ns = T0 - CLOCK_MS,
		.procs = scene->before,
		.count = 1,
		.has_sockets = true};
	scene->looks[1] = (struct snapshot){.ns = T0 + 100 * CLOCK_MS,
		.procs = scene->last,
		.count = 1,
		.has_sockets = true};
	evidence->snapshots = scene->looks;
	evidence->snapshot_count = 2;
	scene_add_signal(scene, 0, SCENE_ENGINE, 0, stop_signal);
}

unsigned scene_add_process(struct judge_scene *scene, unsigned parent, const char *name)
{
	unsigned number = scene->process_count++;
	struct proc *before = &scene->before[scene->looks[0].count++];
	struct proc_record *record = scene_add_descendant(scene, pid_of(number), 0);

	assert_true(number < SCENE_PROCS_MAX);
	*before = *scene_before(scene, parent);
	before->pid = pid_of(number);
	before->ppid = pid_of(parent);
	before->ns_pid = 1 + (pid_t)number;
	name_proc(before, name);
	scene->last[scene->looks[1].count++] = *before;
	record->ns_pid = before->ns_pid;
	record->parent = before->ppid;
	record->born_ns = T0 - CLOCK_S;
	/* The kernel kills it with PID 1's namespace. */
	record->ended_ns = 0;
	snprintf(record->name, sizeof record->name, "%s", name);
	return number;
}

static struct proc *proc_in(struct snapshot *snapshot, unsigned number)
{
	unsigned i = 0;

	while (i < snapshot->count && snapshot->procs[i].pid != pid_of(number))
		i++;
	assert_true(i < snapshot->count);
	return &snapshot->procs[i];
}

struct proc *scene_before(struct judge_scene *scene, unsigned number)
{
	return proc_in(&scene->looks[0], number);
}

struct proc *scene_last(struct judge_scene *scene, unsigned number)
{
	return proc_in(&scene->looks[1], number);
}

void scene_set_masks(struct judge_scene *scene, unsigned number, uint64_t caught,
	uint64_t blocked, uint64_t ignored)
{
	struct proc *both[] = {scene_before(scene, number), scene_last(scene, number)};

	for (size_t i = 0; i < COUNT(both); i++) {
		both[i]->caught = caught;
		both[i]->blocked = blocked;
		both[i]->ignored = ignored;
	}
}

void scene_wait_in(struct judge_scene *scene, unsigned number, long call)
{
	scene_before(scene, number)->syscall = call;
	scene_last(scene, number)->syscall = call;
}

void scene_connect(struct judge_scene *scene, unsigned number, const char *peer)
{
	struct proc *both[] = {scene_before(scene, number), scene_last(scene, number)};

	for (size_t i = 0; i < COUNT(both); i++) {
		both[i]->connections++;
		both[i]->clients++;
		snprintf(both[i]->peer, sizeof both[i]->peer, "%s", peer);
	}
}

struct proc_record *scene_end_process(
	struct judge_scene *scene, unsigned number, int64_t ms, int wait_status)
{
	struct proc_record *record = &scene->evidence.descendants[number - 1];
	struct snapshot *last = &scene->looks[1];
	struct proc *proc = proc_in(last, number);

	memmove(proc, proc + 1,
		(size_t)(last->procs + --last->count - proc) * sizeof *proc);
	record->ended_ns = T0 + ms * CLOCK_MS;
	record->wait_status = wait_status;
	return record;
}

static struct proc_signal *add_signal(struct judge_scene *scene, int64_t ms,
	enum proc_signal_what what, unsigned number, int signal_number)
{
	struct evidence *evidence = &scene->evidence;
	struct proc_signal *signal;

	evidence->signals = mem_grown(
		evidence->signals, evidence->signal_count + 1, sizeof *signal);
	signal = &evidence->signals[evidence->signal_count++];
	*signal = (struct proc_signal){
		.what = what,
		.ns = T0 + ms * CLOCK_MS,
		.pid = pid_of(number),
		.signal = signal_number,
	};
	return signal;
}

struct proc_signal *scene_add_signal(struct judge_scene *scene, int64_t ms, int sender,
	unsigned target, int signal_number)
{
	struct proc_signal *signal =
		add_signal(scene, ms, PROC_SIGNAL_SENT, target, signal_number);
	const char *name = "dockerd";

	signal->sender = 90;
	if (sender == SCENE_KERNEL) {
		signal->sender = 0;
		name = "the kernel";
	} else if (sender == SCENE_STRANGER) {
		signal->sender = 91;
		name = "kill";
	} else if (sender != SCENE_ENGINE) {
		signal->sender = pid_of((unsigned)sender);
		name = scene_before(scene, (unsigned)sender)->name;
	}
	snprintf(signal->sender_name, sizeof signal->sender_name, "%.15s", name);
	return signal;
}

struct proc_signal *scene_add_handled(
	struct judge_scene *scene, int64_t ms, unsigned number, int signal_number)
{
	return add_signal(scene, ms, PROC_SIGNAL_HANDLED, number, signal_number);
}

void scene_add_wait(struct judge_scene *scene, int64_t ms, unsigned number)
{
	add_signal(scene, ms, PROC_SIGNAL_WAITS, number, 0);
}

void scene_die_of(struct judge_scene *scene, int signal_number)
{
	scene->evidence.facts.exit_code = 128 + signal_number;
	scene->evidence.facts.wait_status = signal_number;
}

/* --- what is said --- */

void scene_hang(struct judge_scene *scene, const char *name, int stop_signal)
{
	scene_run_program(scene, name, stop_signal);
	scene_add_handled(scene, 1, 0, stop_signal);
	scene_kill_at_grace(scene);
}

unsigned scene_hang_behind_init(struct judge_scene *scene, const char *child)
{
	unsigned number;

	scene_run_program(scene, "tini", SIGTERM);
	scene_kill_at_grace(scene);
	scene_wait_in(scene, 0, CALL_SIGTIMEDWAIT);
	number = scene_add_process(scene, 0, child);
	scene_wait_in(scene, number, CALL_PAUSE);
	scene_add_signal(scene, 1, 0, number, SIGTERM);
	return number;
}

void scene_trace_nothing(struct judge_scene *scene)
{
	scene->evidence.signals_known = false;
	scene->evidence.signal_count = 0;
}

void scene_wait_on(struct judge_scene *scene, unsigned number, long call,
	int descriptor, const char *what)
{
	struct proc *both[] = {scene_before(scene, number), scene_last(scene, number)};

	scene_wait_in(scene, number, call);
	for (size_t i = 0; i < COUNT(both); i++) {
		both[i]->syscall_arg0 = (uint64_t)descriptor;
		snprintf(both[i]->waits_on, sizeof both[i]->waits_on, "%s", what);
	}
}

void scene_log_line(struct judge_scene *scene, int64_t ms, const char *line)
{
	evidence_add_log(&scene->evidence, T0 + ms * CLOCK_MS, line, strlen(line));
}

void scene_expect(
	struct judge_scene *scene, enum verdict verdict, const char *diagnosis)
{
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	if (scene->judgement.verdict != verdict)
		print_error("reason: %s\n", scene->judgement.reason);
	assert_string_equal(
		verdict_names[scene->judgement.verdict], verdict_names[verdict]);
	if (diagnosis) {
		assert_true(scene->judgement.diagnosis_count > 0);
		assert_string_equal(
			diagnosis_ids[scene->judgement.diagnoses[0].id], diagnosis);
	}
}

bool scene_has_diagnosis(const struct judge_scene *scene, const char *id)
{
	for (unsigned i = 0; i < scene->judgement.diagnosis_count; i++) {
		if (strcmp(diagnosis_ids[scene->judgement.diagnoses[i].id], id) == 0)
			return true;
	}
	return false;
}

const char *scene_text(const struct judge_scene *scene, const char *id)
{
	for (unsigned i = 0; i < scene->judgement.diagnosis_count; i++) {
		const struct diagnosis *diagnosis = &scene->judgement.diagnoses[i];

		if (strcmp(diagnosis_ids[diagnosis->id], id) == 0)
			return diagnosis->text;
	}
	fail_msg("no diagnosis %s", id);
	return "";
}

void assert_says_at(const struct judge_scene *scene, const char *id, const char *text,
	const char *file, int line)
{
	if (strstr(scene_text(scene, id), text))
		return;
	print_error("%s: \"%s\"\nhas no \"%s\"\n", id, scene_text(scene, id), text);
	_fail(file, line);
}
