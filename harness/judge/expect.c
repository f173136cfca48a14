#include "harness/judge/expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"

static struct expectation *add(struct judgement *judgement, const char *what, bool met)
{
	struct expectation *expectation =
		&judgement->expectations[judgement->expectation_count++];

	snprintf(expectation->what, sizeof expectation->what, "%s", what);
	expectation->met = met;
	judgement->met = judgement->met && met;
	return expectation;
}

static void wanted(struct expectation *expectation, const char *format, ...)
	PRINTF(2, 3);

static void wanted(struct expectation *expectation, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(expectation->wanted, sizeof expectation->wanted, format, args);
	va_end(args);
}

static void seen(struct expectation *expectation, const char *format, ...) PRINTF(2, 3);

static void seen(struct expectation *expectation, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(expectation->seen, sizeof expectation->seen, format, args);
	va_end(args);
}

static void expect_exit_code(struct judgement *judgement, const struct view *view)
{
	const struct expect_part *part = &view->scenario->expect;
	SCOPED(buf_done) struct buf list = {0};
	struct expectation *expectation;
	bool met = false;

	if (part->exit_codes.count == 0)
		return;
	for (unsigned i = 0; i < part->exit_codes.count; i++) {
		buf_addf(&list, "%s%lld", i ? " or " : "",
			(long long)part->exit_codes.code[i]);
		met = met || part->exit_codes.code[i] == view->facts->exit_code;
	}
	expectation = add(judgement, "exit_code", met);
	wanted(expectation, "%s", buf_text(&list));
	if (view->facts->exit_code < 0)
		seen(expectation, "not known");
	else
		seen(expectation, "%d", view->facts->exit_code);
}

static void expect_verdict(struct judgement *judgement, const struct view *view)
{
	unsigned verdicts = view->scenario->expect.verdicts;
	SCOPED(buf_done) struct buf list = {0};
	struct expectation *expectation;

	if (verdicts == 0)
		return;
	for (unsigned i = 0; i < VERDICTS; i++) {
		if (verdicts >> i & 1)
			buf_addf(&list, "%s%s", list.len ? " or " : "",
				verdict_name((enum verdict)i));
	}
	expectation =
		add(judgement, "verdict", verdicts >> (unsigned)judgement->verdict & 1);
	wanted(expectation, "%s", buf_text(&list));
	seen(expectation, "%s: %.200s", verdict_name(judgement->verdict),
		judgement->reason);
}

static void expect_within(struct judgement *judgement, const struct view *view)
{
	int64_t within_ns = view->scenario->expect.within_ns;
	struct expectation *expectation;

	if (within_ns == 0)
		return;
	expectation = add(
		judgement, "within", view->stop_ns >= 0 && view->stop_ns <= within_ns);
	wanted(expectation, "%s", CLOCK_TEXT(within_ns));
	seen(expectation, "%s",
		view->stop_ns < 0 ? "not known" : CLOCK_TEXT(view->stop_ns));
}

static void expect_diagnosis(struct judgement *judgement, const struct view *view)
{
	enum diagnosis_id id = (enum diagnosis_id)view->scenario->expect.diagnosis;
	const struct diagnosis *first =
		judgement->diagnosis_count ? &judgement->diagnoses[0] : NULL;
	struct expectation *expectation;

	if (id == DIAGNOSIS_ANY)
		return;
	expectation = add(judgement, "diagnosis", first && first->id == id);
	wanted(expectation, "%s", diagnosis_ids[id]);
	seen(expectation, "%s: %.240s", first ? diagnosis_ids[first->id] : "none",
		first ? first->text : "");
}

static void expect_count(struct judgement *judgement, const char *what, int64_t want,
	int64_t all, int64_t have)
{
	struct expectation *expectation;

	if (want == EXPECT_ANY)
		return;
	if (want == EXPECT_ALL)
		want = all;
	expectation = add(judgement, what, have >= 0 && have == want);
	wanted(expectation, "%lld", (long long)want);
	if (have < 0)
		seen(expectation, "not known");
	else
		seen(expectation, "%lld", (long long)have);
}

static bool log_has(const struct evidence *evidence, const char *text)
{
	for (unsigned i = 0; i < evidence->log_count; i++) {
		if (strstr(evidence->log[i].text, text))
			return true;
	}
	return false;
}

static void expect_log(struct judgement *judgement, const struct view *view)
{
	const struct strlist *log = &view->scenario->expect.log;
	unsigned found = 0;
	struct expectation *expectation;

	if (log->count == 0)
		return;
	for (unsigned i = 0; i < log->count; i++)
		found += log_has(view->evidence, log->item[i]);
	expectation = add(judgement, "log", found == log->count);
	wanted(expectation, "%u texts, the first \"%.120s\"", log->count, log->item[0]);
	seen(expectation, "%u of them", found);
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
	expect_log(judgement, view);
}
