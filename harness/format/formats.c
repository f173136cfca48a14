#include "harness/format/formats.h"

#include <string.h>

#include "harness/format/benchmark.h"
#include "harness/format/csv.h"
#include "harness/format/github.h"
#include "harness/format/gitlab.h"
#include "harness/format/html/html_page.h"
#include "harness/format/junit.h"
#include "harness/format/markdown.h"
#include "harness/format/prometheus.h"
#include "harness/format/tap.h"
#include "harness/format/trace.h"
#include "harness/report/proved.h"
#include "harness/report/table.h"
#include "harness/results/results.h"
#include "lib/buf.h"

const struct format formats[] = {
	{.name = "table",
		.help = "a row for each case and half, as wide as the terminal",
		.print = table_print},
	{.name = "proved",
		.help = "the table, and behind it what each scenario has proved",
		.print = proved_print},
	{.name = "json",
		.help = "the text of results.json",
		.print = results_print,
		.for_programs = true},
	{.name = "trace",
		.help = "a Chrome trace for Perfetto (ui.perfetto.dev)",
		.print = trace_print,
		.for_programs = true,
		.wants_picture = true},
	{.name = "html",
		.help = "a page for people, one file without network",
		.print = html_page_print,
		.for_programs = true,
		.wants_picture = true},
	{.name = "junit",
		.help = "JUnit XML",
		.print = junit_print,
		.for_programs = true},
	{.name = "tap",
		.help = "TAP 14 with YAML diagnostics",
		.print = tap_print,
		.for_programs = true},
	{.name = "markdown",
		.help = "a verdict in one line, and what is not met: for a step summary",
		.print = markdown_print,
		.for_programs = true},
	{.name = "github",
		.help = "annotations of GitHub Actions",
		.print = github_print,
		.for_programs = true},
	{.name = "gitlab",
		.help = "GitLab's code quality report",
		.print = gitlab_print,
		.for_programs = true},
	{.name = "benchmark",
		.help = "`customSmallerIsBetter` of github-action-benchmark",
		.print = benchmark_print,
		.for_programs = true},
	{.name = "prometheus",
		.help = "Prometheus' text format",
		.print = prometheus_print,
		.for_programs = true},
	{.name = "csv",
		.help = "a row for each round",
		.print = csv_print,
		.for_programs = true},
	{0},
};

const struct format *format_find(const char *name)
{
	for (const struct format *format = formats; format->name; format++) {
		if (strcmp(format->name, name) == 0)
			return format;
	}
	return NULL;
}

char *format_names(void)
{
	struct buf names = {0};

	for (const struct format *format = formats; format->name; format++)
		buf_addf(&names, "%s%s", names.len ? " or " : "", format->name);
	return buf_take(&names);
}
