/*
 * Command lines with a shell in front, and without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/judge/exec_form.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"

/* The words of a line, which '^' parts. */
static struct strlist words(const char *line)
{
	SCOPED(mem_free) char *copy = mem_text(line);
	struct strlist list = {0};
	char *rest;

	for (char *word = strtok_r(copy, "^", &rest); word;
		word = strtok_r(NULL, "^", &rest))
		strlist_add(&list, "%s", word);
	return list;
}

static char *joined(const struct strlist *list)
{
	struct buf text = {0};

	buf_adds(&text, "");
	for (unsigned i = 0; i < list->count; i++)
		buf_addf(&text, "%s%s", i ? "^" : "", list->item[i]);
	return buf_take(&text);
}

static void a_shell_in_front_is_left_out(void **state UNUSED)
{
	static const struct {
		const char *command, *child, *form; /* form "": there is none */
		const char *why;
	} rows[] = {
		{"/bin/sh^-c^node server.js", NULL, "node^server.js", "plain words"},
		{"bash^-ec^node  server.js ", NULL, "node^server.js",
			"options together"},
		{"bash^-e^-c^node server.js", NULL, "node^server.js", "options apart"},
		{"busybox^sh^-c^httpd -f", NULL, "httpd^-f", "a shell of busybox"},
		{"tini^--^sh^-c^node x", NULL, "tini^--^node^x", "an init in front"},
		{"sh^-c^node $FILE", NULL, "sh^-c^exec node $FILE",
			"it needs its shell"},
		{"sh^-c^nginx -g \"daemon off;\"", NULL, "nginx^-g^daemon off;",
			"quotes"},
		{"sh^-c^node 'a $b'c \"\"^x", NULL, "node^a $bc^", "quotes in a word"},
		{"sh^-c^node \"a $b\"^x", NULL, "sh^-c^exec node \"a $b\"^x",
			"quotes around a variable"},
		{"sh^-c^node >>log 2>&1", NULL, "sh^-c^exec node >>log 2>&1",
			"a redirection"},
		{"sh^-c^A=1 B= node x", NULL, "sh^-c^A=1 B= exec node x",
			"assignments"},
		{"sh^-c^migrate && node x", "node x", "sh^-c^migrate && exec node x",
			"the second runs"},
		{"sh^-c^migrate && node x", NULL, "sh^-c^migrate && exec node x",
			"the last one runs"},
		{"sh^-c^httpd -f; true", NULL, "sh^-c^exec httpd -f; true",
			"the last one that is a program"},
		{"sh^-c^one x; two y; three", "two y", "sh^-c^one x; exec two y; three",
			"the child's"},
		{"sh^-c^one \"$X\"\ntwo \"$Y\"\n", "/bin/one a b",
			"sh^-c^exec one \"$X\"\ntwo \"$Y\"\n", "by its program"},
		{"sh^-c^one x; two", "three: y", "", "none is the child"},
		{"sh^-c^one x", "three: y", "one^x", "the only one is the child"},
		{"sh^-c^echo 'a; b' && one", NULL, "sh^-c^echo 'a; b' && exec one",
			"a semicolon in quotes"},
		{"sh^-c^one \\; two", NULL, "sh^-c^exec one \\; two", "an escaped one"},
		{"sh^-c^trap 'x' TERM; one", NULL, "sh^-c^trap 'x' TERM; exec one",
			"a trap"},

		{"node^server.js", NULL, "", "no shell"},
		{"sh", NULL, "", "no script"},
		{"sh^run.sh", NULL, "", "a file"},
		{"sh^-c", NULL, "", "no text"},
		{"sh^-c^", NULL, "", "an empty one"},
		{"sh^-c^exec node x", NULL, "", "it has its exec"},
		{"sh^-c^migrate; exec node x", NULL, "",
			"it has it behind another one"},
		{"sh^-c^exit 0", NULL, "", "no program"},
		{"sh^-c^while :; do sleep 1; done", "sleep 1", "", "a loop"},
		{"sh^-c^one & wait", "one", "", "in the background"},
		{"sh^-c^one | two", "one", "", "in front of a pipe"},
		{"sh^-c^one | two", "two", "", "behind a pipe"},
		{"sh^-c^(cd x; one)", NULL, "", "a subshell"},
		{"sh^-c^f() { one; }; f", NULL, "", "a function"},
		{"sh^-c^one 'x", NULL, "", "no end of a quote"},
		{"sh^-c^cat <<E\none\nE", NULL, "", "a here-document"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(strlist_done) struct strlist command = words(rows[i].command);
		SCOPED(strlist_done) struct strlist form = {0};
		bool found = exec_form(&form, &command, rows[i].child);
		SCOPED(mem_free) char *seen = joined(&form);

		if (strcmp(seen, rows[i].form) != 0 || found != (seen[0] != '\0'))
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].why, seen,
				rows[i].form);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shell_in_front_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
