#include "harness/judge/expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

PRINTF(5, 6)
static void add(struct judgement *judgement, const char *what, bool met,
	const char *wanted, const char *seen, ...)
{
	struct expectation *expectation =
		&judgement->expectations[judgement->expectation_count++];
	va_list args;

	snprintf(expectation->what, sizeof expectation->what, "%s", what);
	snprintf(expectation->wanted, sizeof expectation->wanted, "%s", wanted);
	va_start(args, seen);
	vsnprintf(expectation->seen, sizeof expectation->seen, seen, args);
	va_end(args);
	expectation->met = met;
	judgement->met = judgement->met && met;
}

static const char *number_text(char text[24], int64_t number)
{
	snprintf(text, 24, "%lld", (long long)number);
	return number < 0 ? "not known" : text;
}

static void expect_exit_code(struct judgement *judgement, const struct view *view)
{
	const struct exit_codes *codes = &view->scenario->expect.exit_codes;
	SCOPED(buf_done) struct buf list = {0};
	char code[24];
	bool met = false;

	if (codes->count == 0)
		return;
	for (unsigned i = 0; i < codes->count; i++) {
		buf_addf(&list, "%s%lld", i ? " or " : "", (long long)codes->code[i]);
		met = met || codes->code[i] == view->facts->exit_code;
	}
	add(judgement, "exit_code", met, buf_text(&list), "%s",
		number_text(code, view->facts->exit_code));
}

static void expect_verdict(struct judgement *judgement, const struct view *view)
{
	unsigned verdicts = view->scenario->expect.verdicts;
	SCOPED(buf_done) struct buf list = {0};

	if (verdicts == 0)
		return;
	for (unsigned i = 0; i < VERDICTS; i++) {
		if (verdicts >> i & 1)
			buf_addf(&list, "%s%s", list.len ? " or " : "",
				verdict_names[i]);
	}
	add(judgement, "verdict", verdicts >> (unsigned)judgement->verdict & 1,
		buf_text(&list), "%s: %.200s", verdict_names[judgement->verdict],
		judgement->reason);
}

static void expect_within(struct judgement *judgement, const struct view *view)
{
	int64_t within_ns = view->scenario->expect.within_ns;

	if (within_ns)
		add(judgement, "within",
			view->stop_ns >= 0 && view->stop_ns <= within_ns,
			CLOCK_TEXT(within_ns), "%s",
			view->stop_ns < 0 ? "not known" : CLOCK_TEXT(view->stop_ns));
}

/* The deepest cause; or X1, which is true beside whatever cause is found for it. */
static bool is_expected(const struct judgement *judgement, enum diagnosis_id id)
{
	for (unsigned i = 0; i < judgement->diagnosis_count; i++) {
		if (judgement->diagnoses[i].id == id && (i == 0 || id == DIAGNOSIS_X1))
			return true;
	}
	return false;
}

static void expect_diagnosis(struct judgement *judgement, const struct view *view)
{
	enum diagnosis_id id = (enum diagnosis_id)view->scenario->expect.diagnosis;
	const struct diagnosis *first =
		judgement->diagnosis_count ? &judgement->diagnoses[0] : NULL;

	if (id != DIAGNOSIS_ANY)
		add(judgement, "diagnosis", is_expected(judgement, id),
			diagnosis_ids[id], "%s: %.240s",
			first ? diagnosis_ids[first->id] : "none",
			first ? first->text : "");
}

static void expect_count(struct judgement *judgement, const char *what, int64_t want,
	int64_t all, int64_t have)
{
	char wanted[24], seen[24];

	if (want == EXPECT_ANY)
		return;
	if (want == EXPECT_ALL)
		want = all;
	add(judgement, what, have >= 0 && have == want, number_text(wanted, want), "%s",
		number_text(seen, have));
}

/* The first line of the log with the text in it, or NULL. */
static const char *line_with(const struct evidence *evidence, const char *text)
{
	for (unsigned i = 0; i < evidence->log_count; i++) {
		if (strstr(evidence->log[i].text, text))
			return evidence->log[i].text;
	}
	return NULL;
}

static void expect_log(struct judgement *judgement, const struct view *view)
{
	const struct strlist *log = &view->scenario->expect.log;
	SCOPED(mem_free) char *wanted = NULL;
	unsigned found = 0;

	if (log->count == 0)
		return;
	for (unsigned i = 0; i < log->count; i++)
		found += line_with(view->evidence, log->item[i]) != NULL;
	wanted = mem_textf("%u texts, the first \"%.120s\"", log->count, log->item[0]);
	add(judgement, "log", found == log->count, wanted, "%u of them", found);
}

const char *expect_forbidden_line(const struct view *view)
{
	const struct strlist *absent = &view->scenario->expect.log_absent;
	const char *line = NULL;

	for (unsigned i = 0; i < absent->count && !line; i++)
		line = line_with(view->evidence, absent->item[i]);
	return line;
}

/* Where lines were dropped, the absence of one is not proven. */
static void expect_log_absent(struct judgement *judgement, const struct view *view)
{
	const struct strlist *absent = &view->scenario->expect.log_absent;
	const struct evidence *evidence = view->evidence;
	const char *line = expect_forbidden_line(view);
	SCOPED(mem_free) char *wanted = NULL;

	if (absent->count == 0)
		return;
	wanted = mem_textf("no line with \"%.120s\"%s", absent->item[0],
		absent->count > 1 ? " and others" : "");
	if (line)
		add(judgement, "log_absent", false, wanted, "\"%.200s\"", line);
	else if (evidence->log_dropped)
		add(judgement, "log_absent", false, wanted,
			"not known: %llu lines were not kept",
			(unsigned long long)evidence->log_dropped);
	else
		add(judgement, "log_absent", true, wanted, "none");
}

void expect(struct judgement *judgement, const struct view *view)
{
	const struct expect_part *part = &view->scenario->expect;
	int64_t all = view->scenario->load.sessions;

	judgement->met = judgement->could_run;
	expect_exit_code(judgement, view);
	expect_verdict(judgement, view);
	expect_within(judgement, view);
	expect_diagnosis(judgement, view);
	expect_count(judgement, "disconnected", part->disconnected, all,
		judgement->disconnected);
	expect_count(judgement, "orphans", part->orphans, 0, judgement->orphans);
	expect_count(judgement, "lost", part->lost, 0, judgement->lost);
	if (judgement->failed >= 0) /* of a rollout */
		expect_count(judgement, "failed", part->failed, 0, judgement->failed);
	expect_log(judgement, view);
	expect_log_absent(judgement, view);
}
