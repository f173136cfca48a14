#include "lib/man_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "lib/version.h"

static char *page_of(const struct argp *argp, const char *name)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	man_page_print(out, argp, name);
	fclose(out);
	return text;
}

static char *help_of_format(int key, const char *text, void *input UNUSED)
{
	return key == 'f' ? mem_text("json or text") : (char *)(void *)(size_t)text;
}

static const struct argp_option options[] = {
	{.doc = "The stop:", .group = 1},
	{"grace", 'g', "TIME", 0, "SIGKILL comes then; `0s`: at once", 1},
	{"tty", 0x100, "N", OPTION_ARG_OPTIONAL, ".dotted 'and' ~ \\ so", 1},
	{"format", 'f', "FORMAT", 0, NULL, 1},
	{"secret", 's', NULL, OPTION_HIDDEN, "not told", 1},
	{"TOKEN", 0x101, NULL, OPTION_DOC, "a variable", 1},
	{0},
};

static void a_page_has_all_that_the_table_has(void **state UNUSED)
{
	const struct argp argp = {
		.options = options,
		.help_filter = help_of_format,
		.args_doc = "CONTAINER...\n--pid PID",
		.doc = "Stops it in ./here. And says why.\vOne more:\n  kept  as it is\n\n"
		       "Exit codes: 0 clean, 1 not.\n",
	};
	SCOPED(mem_free) char *page = page_of(&argp, "stopbench stop");

	assert_string_equal(page,
		".\\\" Printed by the program itself, from its table of options.\n"
		".TH STOPBENCH\\-STOP 1 \"\" \"stopbench " STOPBENCH_VERSION
		"\" \"User Commands\"\n"
		".SH NAME\n"
		"stopbench\\-stop \\- stops it in ./here\n"
		".SH SYNOPSIS\n"
		"\\fBstopbench stop\\fR [\\fIOPTION\\fR...] CONTAINER...\n"
		".br\n"
		"\\fBstopbench stop\\fR [\\fIOPTION\\fR...] \\-\\-pid PID\n"
		".SH DESCRIPTION\n"
		"Stops it in ./here. And says why.\n"
		".SH OPTIONS\n"
		".SS The stop\n"
		".TP\n"
		"\\fB\\-g\\fR, \\fB\\-\\-grace\\fR=\\fITIME\\fR\n"
		"SIGKILL comes then; \\fB0s\\fR: at once\n"
		".TP\n"
		"\\fB\\-\\-tty\\fR[=\\fIN\\fR]\n"
		"\\&.dotted \\(aqand\\(aq \\(ti \\e so\n"
		".TP\n"
		"\\fB\\-f\\fR, \\fB\\-\\-format\\fR=\\fIFORMAT\\fR\n"
		"json or text\n"
		".TP\n"
		"\\fBTOKEN\\fR\n"
		"a variable\n"
		".SS Help\n"
		".TP\n"
		"\\fB\\-h\\fR, \\fB\\-\\-help\\fR\n"
		"give the list of options\n"
		".TP\n"
		"\\fB\\-\\-usage\\fR\n"
		"give a short usage message\n"
		".SH \"DETAILS\"\n"
		"One more:\n"
		".in 0\n"
		".nf\n"
		"  kept  as it is\n"
		".fi\n"
		".in\n"
		".SH \"EXIT STATUS\"\n"
		"0 clean, 1 not.\n"
		".SH \"SEE ALSO\"\n"
		"\\fBstopbench\\fR(1)\n");
}

static void a_page_of_nothing_is_a_page(void **state UNUSED)
{
	const struct argp argp = {0};
	SCOPED(mem_free) char *page = page_of(&argp, "stopbench");

	assert_non_null(strstr(page, ".SH SYNOPSIS\n\\fBstopbench\\fR"));
	assert_null(strstr(page, "SEE ALSO"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_has_all_that_the_table_has),
		cmocka_unit_test(a_page_of_nothing_is_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
