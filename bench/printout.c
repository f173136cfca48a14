#include "bench/printout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#define WHAT_WIDTH   47
#define FIGURE_WIDTH 9
#define UNIT_WIDTH   8
#define RANGE_WIDTH  22

void printout_machine(void)
{
	int processors = get_nprocs();
	struct utsname host = {0};
	double load = 0;

	uname(&host);
	getloadavg(&load, 1);
	printf("%s %s, %d processors, load %.1f%s\n", host.sysname, host.release,
		processors, load,
		load > processors / 2.0
			? ": other work runs here, which slows every figure"
			: "");
	fflush(stdout);
}

void printout_head(const char *title, const char *text)
{
	printf("\n%s\n%s\n", title, text);
	fflush(stdout);
}

static void print_range(const struct printout_row *row)
{
	char text[48] = "";

	if (!row->over && row->samples->count > 1)
		snprintf(text, sizeof text, "(%.*f .. %.*f)", row->digits,
			samples_least(row->samples), row->digits,
			samples_most(row->samples));
	printf(" %-*s", RANGE_WIDTH, text);
}

static void print_target(
	struct printout *printout, const struct printout_row *row, double figure)
{
	if (row->at_most != 0)
		printf(" [at most %.4g]", row->at_most);
	if (row->at_least != 0)
		printf(" [at least %.4g]", row->at_least);
	if (row->either_way)
		figure = fabs(figure);
	if ((row->at_most != 0 && figure > row->at_most) ||
		(row->at_least != 0 && figure < row->at_least)) {
		printf(" <-- MISSED");
		printout->missed++;
	}
}

void printout_row(struct printout *printout, const struct printout_row *row)
{
	double figure = samples_median(row->samples);

	if (row->over)
		figure /= samples_median(row->over);
	printf("  %-*s %*.*f %-*s", WHAT_WIDTH, row->what, FIGURE_WIDTH, row->digits,
		figure, UNIT_WIDTH, row->unit);
	print_range(row);
	print_target(printout, row, figure);
	if (row->note)
		printf(" %s", row->note);
	putchar('\n');
	fflush(stdout);
}

void printout_skip(const char *what, const char *why)
{
	printf("  %-*s   skipped: %s\n", WHAT_WIDTH, what, why);
	fflush(stdout);
}

void printout_end(const struct printout *printout)
{
	if (printout->missed == 0)
		puts("\nEvery target was met.");
	else
		printf("\n%u target%s missed, see MISSED above.\n", printout->missed,
			printout->missed == 1 ? " was" : "s were");
}
