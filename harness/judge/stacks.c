#include "harness/judge/stacks.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/engine/engine.h"
#include "lib/clock.h"
#include "lib/embed.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/signals.h"

EMBED_TEXT(known_stacks, "harness/judge/stacks.json");

struct stacks {
	struct stack **list; /* each read by stack_fields */
	unsigned count;
};

/* --- reading --- */

static bool read_pattern(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct stack_pattern *pattern = out;
	char why[128];
	int code;

	if (!cJSON_IsString(node))
		return json_doc_wrong(doc, node, err,
			"expected a regular expression, not %s", json_kind(node));
	code = regcomp(&pattern->regex, node->valuestring, REG_EXTENDED | REG_NOSUB);
	if (code == 0)
		return pattern->given = true;
	regerror(code, &pattern->regex, why, sizeof why);
	return json_doc_wrong(doc, node, err, "not a regular expression: %s", why);
}

static void done_pattern(void *out)
{
	struct stack_pattern *pattern = out;

	if (pattern->given)
		regfree(&pattern->regex);
	*pattern = (struct stack_pattern){0};
}

static const struct field_type pattern_type = {
	.read = read_pattern,
	.done = done_pattern,
	.size = sizeof(struct stack_pattern),
};

static const struct field words_fields[] = {
	{"line", FIELD_OTHER, offsetof(struct stack_words, line), .type = &pattern_type,
		.required = true, .help = "a regular expression"},
	{"means", FIELD_TEXT, offsetof(struct stack_words, means), .required = true,
		.help = "in words"},
	{0},
};

static void done_words(void *out)
{
	struct stack_words_list *words = out;

	for (unsigned i = 0; i < words->count; i++)
		fields_done(words_fields, &words->list[i]);
	free(words->list);
	*words = (struct stack_words_list){0};
}

static bool read_words(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct stack_words_list *words = out;
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(
			doc, node, err, "expected a list, not %s", json_kind(node));
	cJSON_ArrayForEach(item, node) {
		words->list =
			mem_grown(words->list, words->count + 1, sizeof *words->list);
		words->list[words->count] = (struct stack_words){0};
		if (!fields_read(words_fields, &words->list[words->count++], doc, item,
			    "last_words", err))
			return false;
	}
	return true;
}

static const struct field_type words_type = {
	.read = read_words,
	.done = done_words,
	.size = sizeof(struct stack_words_list),
};

static const struct field stack_fields[] = {
	{"name", FIELD_TEXT, offsetof(struct stack, name), .required = true,
		.help = "what people call it"},
	{"programs", FIELD_OTHER, offsetof(struct stack, programs),
		.type = &strlist_type,
		.help = "names of its process or program; * and ? are wildcards"},
	{"command", FIELD_OTHER, offsetof(struct stack, command), .type = &pattern_type,
		.help = "a regular expression for its whole command line"},
	{"stop_signal", FIELD_TEXT, offsetof(struct stack, stop_signal),
		.preset = "SIGTERM", .help = "the signal that lets it finish its work"},
	{"signals", FIELD_OTHER, offsetof(struct stack, signals),
		.type = &strlist_pairs_type,
		.help = "what a signal does to it, in words"},
	{"runs_on", FIELD_OTHER, offsetof(struct stack, runs_on), .type = &strlist_type,
		.help = "signals that are no request to stop: it takes them, and runs on"},
	{"leaves", FIELD_OTHER, offsetof(struct stack, leaves), .type = &strlist_type,
		.help = "signals that end it at once, without what runs below it"},
	{"exit_code", FIELD_INT, offsetof(struct stack, exit_code), .min = 1,
		.max = 255,
		.help = "of its graceful stop, where the program sets no other"},
	{"timeout", FIELD_DURATION, offsetof(struct stack, timeout_ns),
		.help = "how long its graceful stop may take, by default"},
	{"unbounded", FIELD_BOOL, offsetof(struct stack, unbounded),
		.help = "by default it may take as long as the work under way"},
	{"option", FIELD_TEXT, offsetof(struct stack, option),
		.help = "what sets that, where it stands in the command line"},
	{"last_words", FIELD_OTHER, offsetof(struct stack, last_words),
		.type = &words_type, .help = "what lines of its log mean"},
	{"cure", FIELD_TEXT, offsetof(struct stack, cure),
		.help = "what makes its stop graceful, with the line to write"},
	{"source", FIELD_TEXT, offsetof(struct stack, source), .required = true,
		.help = "where this was read or tried"},
	{0},
};

/* The signal of "SIGTERM=stops fast"; 0: it is none. */
static int signal_of(const char *pair)
{
	SCOPED(mem_free) char *name = mem_textf("%.*s", (int)strcspn(pair, "="), pair);

	return signal_number(name);
}

static bool are_signals(const struct strlist *names, const char *key,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (!signal_number(names->item[i]))
			return json_doc_wrong(doc, json_get(node, key), err,
				"%s: no such signal: %s", key, names->item[i]);
	}
	return true;
}

static bool check_signals(const struct stack *stack, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	if (!signal_number(stack->stop_signal))
		return json_doc_wrong(doc, json_get(node, "stop_signal"), err,
			"stop_signal: no such signal: %s", stack->stop_signal);
	for (unsigned i = 0; i < stack->signals.count; i++) {
		if (!signal_of(stack->signals.item[i]))
			return json_doc_wrong(doc, json_get(node, "signals"), err,
				"signals: no such signal: %s", stack->signals.item[i]);
	}
	return are_signals(&stack->runs_on, "runs_on", doc, node, err) &&
		are_signals(&stack->leaves, "leaves", doc, node, err);
}

static void free_stack(struct stack *stack)
{
	fields_done(stack_fields, stack);
	free(stack);
}

static struct stack *read_stack(
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct stack *stack = mem_zeroed(sizeof *stack);

	fields_preset(stack_fields, stack);
	if (fields_read(stack_fields, stack, doc, node, "", err) &&
		check_signals(stack, doc, node, err))
		return stack;
	free_stack(stack);
	return NULL;
}

/* Those of the document come before those that are there. */
static bool add_document(
	struct stacks *stacks, const struct json_doc *doc, struct err *err)
{
	const cJSON *list = json_get(doc->root, "stacks");
	struct stacks added = {0};
	const cJSON *node;

	if (!cJSON_IsArray(list))
		return json_doc_wrong(doc, doc->root, err,
			"expected {\"stacks\": [...]}, as in stacks.json");
	cJSON_ArrayForEach(node, list) {
		struct stack *stack = read_stack(doc, node, err);

		if (!stack) {
			for (unsigned i = 0; i < added.count; i++)
				free_stack(added.list[i]);
			free(added.list);
			return false;
		}
		added.list = mem_grown(added.list, added.count + 1, sizeof *added.list);
		added.list[added.count++] = stack;
	}
	for (unsigned i = 0; i < stacks->count; i++) {
		added.list = mem_grown(added.list, added.count + 1, sizeof *added.list);
		added.list[added.count++] = stacks->list[i];
	}
	free(stacks->list);
	*stacks = added;
	return true;
}

struct stacks *stacks_create(void)
{
	struct stacks *stacks = mem_zeroed(sizeof *stacks);
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct err err = {0};

	/* Wrong rows of our own are our mistake. */
	if (!json_doc_parse(
		    &doc, "stacks.json", known_stacks, strlen(known_stacks), &err) ||
		!add_document(stacks, &doc, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return stacks;
}

void stacks_destroy(struct stacks *stacks)
{
	if (!stacks)
		return;
	for (unsigned i = 0; i < stacks->count; i++)
		free_stack(stacks->list[i]);
	free(stacks->list);
	free(stacks);
}

bool stacks_add_file(struct stacks *stacks, const char *path, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	return json_doc_read(&doc, path, err) && add_document(stacks, &doc, err);
}

/* --- what a process is --- */

static bool matches(const struct stack_pattern *pattern, const char *text)
{
	return pattern->given && regexec(&pattern->regex, text, 0, NULL, 0) == 0;
}

/* "nginx" of "/usr/sbin/nginx -g ..." and of "nginx: master process ..."; to free(). */
static char *take_program(const char **command)
{
	const char *word = *command + strspn(*command, " ");
	size_t len = strcspn(word, " ");
	size_t program = len;

	*command = word + len;
	while (program > 0 && word[program - 1] != '/')
		program--;
	if (len > program && word[len - 1] == ':')
		len--;
	return mem_textf("%.*s", (int)(len - program), word + program);
}

/* Does this program run the script in its second word? */
static bool is_interpreter(const char *program)
{
	static const char *const patterns[] = {
		"python", "python[0-9]*", "node", "nodejs", "sh", "dash", "bash"};

	for (size_t i = 0; i < COUNT(patterns); i++) {
		if (fnmatch(patterns[i], program, 0) == 0)
			return true;
	}
	return false;
}

const struct stack *stacks_match(
	const struct stacks *stacks, const char *name, const char *command)
{
	const char *rest = command;
	SCOPED(mem_free) char *first = take_program(&rest);
	SCOPED(mem_free) char *second = take_program(&rest);
	const char *script = is_interpreter(first) ? second : "";

	for (unsigned i = 0; i < stacks->count; i++) {
		const struct stack *stack = stacks->list[i];

		if (matches(&stack->command, command))
			return stack;
		for (unsigned j = 0; j < stack->programs.count; j++) {
			const char *program = stack->programs.item[j];

			if (fnmatch(program, name, 0) == 0 ||
				fnmatch(program, first, 0) == 0 ||
				fnmatch(program, script, 0) == 0)
				return stack;
		}
	}
	return NULL;
}

/* --- what is known of it --- */

const char *stack_last_words(const struct stack *stack, const char *line)
{
	for (unsigned i = 0; i < stack->last_words.count; i++) {
		if (matches(&stack->last_words.list[i].line, line))
			return stack->last_words.list[i].means;
	}
	return NULL;
}

const char *stack_signal_means(const struct stack *stack, int number)
{
	for (unsigned i = 0; i < stack->signals.count; i++) {
		if (signal_of(stack->signals.item[i]) == number)
			return strchr(stack->signals.item[i], '=') + 1;
	}
	return NULL;
}

bool stack_has_signal(const struct strlist *names, int number)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (signal_number(names->item[i]) == number)
			return true;
	}
	return false;
}

/* "8", "8.5" (seconds) or "8s". False: it is neither. */
static bool read_seconds(int64_t *ns, const char *text, size_t len)
{
	SCOPED(mem_free) char *value = mem_textf("%.*s", (int)len, text);
	SCOPED(mem_free) char *in_seconds = mem_textf("%ss", value);
	struct err err = {0};

	return clock_parse(ns, value, &err) || clock_parse(ns, in_seconds, &err);
}

int64_t stack_timeout_ns(const struct stack *stack, const char *command)
{
	const char *at = stack->option ? strstr(command, stack->option) : NULL;
	int64_t ns = 0;

	if (at) {
		at += strlen(stack->option);
		at += strspn(at, "= ");
		if (read_seconds(&ns, at, strspn(at, "0123456789.smh")))
			return ns;
	}
	return stack->unbounded ? STACK_UNBOUNDED : stack->timeout_ns;
}

/* Docker's own. */
#define USUAL_GRACE_NS (10 * CLOCK_S)

void stack_add_cure(const struct stack *stack, int64_t grace_ns, struct buf *text)
{
	bool too_short = grace_ns < 2 * CLOCK_S, timed = false;
	bool usual = too_short || grace_ns == ATTACH_NO_GRACE_NS;
	long long seconds = (usual ? USUAL_GRACE_NS : grace_ns) * 4 / 5 / CLOCK_S;
	const char *at = stack->cure ? stack->cure : "", *brace;

	for (; (brace = strchr(at, '{')); at = brace) {
		bool in_ms = strncmp(brace, "{ms}", 4) == 0;

		buf_add(text, at, (size_t)(brace - at));
		if (!in_ms && strncmp(brace, "{seconds}", 9) != 0) {
			buf_add(text, brace++, 1);
			continue;
		}
		buf_addf(text, "%lld", in_ms ? seconds * 1000 : seconds);
		brace = strchr(brace, '}') + 1;
		timed = true;
	}
	buf_adds(text, at);
	if (timed && too_short)
		buf_adds(text,
			" For that the grace has to be longer: `docker run --stop-timeout 10`, "
			"in compose `stop_grace_period: 10s`.");
}
