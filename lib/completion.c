#include "lib/completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* --- the table --- */

static bool is_end(const struct argp_option *option)
{
	return !option->name && !option->key && !option->doc;
}

static bool is_offered(const struct argp_option *option)
{
	return option->name && !(option->flags & (OPTION_HIDDEN | OPTION_DOC));
}

/* The option that a word names, "--grace", "--grace=5s" or "-g"; NULL: none. */
static const struct argp_option *find_option(const struct argp *argp, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct argp_option *option = argp->options;
		option && !is_end(option); option++) {
		bool is_letter =
			word[0] == '-' && word[1] && word[1] == option->key && !word[2];
		bool is_name = is_offered(option) && len > 2 &&
			strncmp(word, "--", 2) == 0 &&
			strncmp(word + 2, option->name, len - 2) == 0 &&
			!option->name[len - 2];

		if (is_letter || is_name)
			return option;
	}
	return NULL;
}

/* --- what is printed --- */

/* The first line of a text, or its first clause, as the meaning of a word. */
static void print_meaning(FILE *out, const char *doc)
{
	if (doc && doc[0])
		fprintf(out, "\t%.*s", (int)strcspn(doc, ";:\n"), doc);
	fputc('\n', out);
}

/* `typed` begins with a dash. */
static void print_options(FILE *out, const struct argp *argp, const char *typed)
{
	static const struct argp_option help = {
		.name = "help", .doc = "give the list of options"};
	const char *name = typed + strspn(typed, "-");

	for (const struct argp_option *option = argp->options;; option++) {
		bool last = !option || is_end(option);
		const struct argp_option *offered = last ? &help : option;

		if (is_offered(offered) &&
			strncmp(offered->name, name, strlen(name)) == 0) {
			fprintf(out, "--%s", offered->name);
			print_meaning(out, offered->doc);
		}
		if (last)
			return;
	}
}

/* "text|json": its words, behind the first `len` characters of `typed`. Another name is
 * for the shell. */
static void print_values(FILE *out, const char *arg, const char *typed, size_t len)
{
	if (!strchr(arg, '|') || isupper((unsigned char)arg[0])) {
		fprintf(out, ":%.*s\n", (int)strcspn(arg, "|.[ \n"), arg);
		return;
	}
	for (size_t end; *arg; arg += end + (arg[end] == '|')) {
		end = strcspn(arg, "|");
		fprintf(out, "%.*s%.*s\n", (int)len, typed, (int)end, arg);
	}
}

/* The first argument that is no option: of a program with commands they are in the
 * table, with their meaning. */
static void print_arguments(FILE *out, const struct argp *argp)
{
	bool has_commands = false;

	for (const struct argp_option *option = argp->options;
		option && !is_end(option); option++) {
		if (option->name && option->flags & OPTION_DOC &&
			islower((unsigned char)option->name[0])) {
			fputs(option->name, out);
			print_meaning(out, option->doc);
			has_commands = true;
		}
	}
	if (!has_commands && argp->args_doc)
		print_values(out, argp->args_doc + (argp->args_doc[0] == '['), "", 0);
}

void completion_print(
	FILE *out, const struct argp *argp, int count, const char *const *words)
{
	const char *typed = count > 0 ? words[count - 1] : "";
	const char *before = count > 1 ? words[count - 2] : "";
	const struct argp_option *option;

	for (int i = 0; i < count - 1; i++) {
		if (strcmp(words[i], "--") == 0) {
			fputs(":COMMAND\n", out);
			return;
		}
	}
	option = find_option(argp, typed);
	if (option && option->arg && strchr(typed, '=')) {
		print_values(out, option->arg, typed, strcspn(typed, "=") + 1);
		return;
	}
	option = find_option(argp, before);
	if (option && option->arg && !(option->flags & OPTION_ARG_OPTIONAL) &&
		!strchr(before, '='))
		print_values(out, option->arg, typed, 0);
	else if (typed[0] == '-')
		print_options(out, argp, typed);
	else
		print_arguments(out, argp);
}
