#include "harness/command/command.h"

#include <stdio.h>

#include "harness/scenario/diagnosis_id.h"
#include "lib/embed.h"
#include "lib/mem.h"
#include "lib/options.h"
#include "lib/suggest.h"
#include "lib/terminal.h"

#define INDENT 4

/* What docs/diagnoses.md says before it comes to each one. */
EMBED_TEXT(introduction, "harness/scenario/diagnoses.md");

struct explanation {
	struct terminal terminal;
	unsigned printed;
	bool unknown; /* an id that is none was named */
};

static void print_list(void)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++)
		printf("%-3s  %s\n", diagnosis_ids[id], diagnosis_meaning(id));
}

static void print_part(
	const struct explanation *explanation, const char *heading, const char *text)
{
	if (!text[0])
		return;
	printf("\n%s:\n", heading);
	terminal_paragraph(&explanation->terminal, stdout, INDENT, text);
}

static void print_one(struct explanation *explanation, enum diagnosis_id id)
{
	printf("%s%s  %s\n", explanation->printed++ ? "\n\n" : "", diagnosis_ids[id],
		diagnosis_meaning(id));
	print_part(explanation, "Proof", diagnosis_proof(id));
	print_part(explanation, "Example", diagnosis_example(id));
	print_part(explanation, "Cure", diagnosis_cure(id));
}

static void print_markdown(void)
{
	fputs("<!-- Written by `stopbench explain --markdown`: change what it reads. -->\n\n",
		stdout);
	fputs(introduction, stdout);
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++) {
		printf("\n### %s: %s\n\n%s\n\n> %s %s\n", diagnosis_ids[id],
			diagnosis_meaning(id), diagnosis_proof(id), diagnosis_ids[id],
			diagnosis_example(id));
		if (diagnosis_cure(id)[0])
			printf("\nCure: %s\n", diagnosis_cure(id));
	}
}

static void explain(struct explanation *explanation, const char *name)
{
	enum diagnosis_id id = diagnosis_find(name);
	SCOPED(mem_free) char *hint = NULL;

	if (id != DIAGNOSIS_ANY) {
		print_one(explanation, id);
		return;
	}
	hint = suggest_hint(name, diagnosis_ids + 1, DIAGNOSES - 1);
	terminal_print(stderr, "stopbench: no such diagnosis: %s%s%s\n", name, hint,
		hint[0] ? "" : "; `stopbench explain` lists them");
	explanation->unknown = true;
}

static const struct argp_option option_table[] = {
	{"markdown", 'm', NULL, 0, "print docs/diagnoses.md", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct explanation *explanation = state->input;

	switch (key) {
	case 'm':
		print_markdown();
		explanation->printed++;
		return 0;
	case ARGP_KEY_ARG:
		explain(explanation, value);
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (!explanation->printed)
			print_list();
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[ID...]",
	.doc = "Says what a diagnosis (\"W1\") means, what it rests on, and what cures it. "
	       "Without an id, the list of all of them.",
};

int cmd_explain(int argc, char **argv)
{
	struct explanation explanation = {.terminal = terminal_of(stdout)};

	options_parse(&parser, argc, argv, &explanation);
	return explanation.unknown ? EXIT_USAGE : EXIT_MET;
}
