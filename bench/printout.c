#include "bench/printout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#define WHAT_WIDTH   47
#define FIGURE_WIDTH 9
#define UNIT_WIDTH   8
#define SPREAD_WIDTH 22

struct printout_row printout_row_of(
	const char *what, const struct samples *samples, const char *spec, int digits)
{
	return (struct printout_row){
		.what = what,
		.figure = samples_median(samples),
		.least = samples->count > 1 ? samples_least(samples) : 0,
		.most = samples->count > 1 ? samples_most(samples) : 0,
		.spec = spec,
		.digits = digits,
	};
}

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
			? ": others are at work here, which every figure "
			  "pays for"
			: "");
	fflush(stdout);
}

void printout_head(const char *title, const char *text)
{
	printf("\n%s\n%s\n", title, text);
	fflush(stdout);
}

static void print_spread(const struct printout_row *row)
{
	char text[48] = "";

	if (row->least != 0 || row->most != 0)
		snprintf(text, sizeof text, "(%.*f .. %.*f)", row->digits, row->least,
			row->digits, row->most);
	printf(" %-*s", SPREAD_WIDTH, text);
}

static bool is_met(const struct printout_row *row)
{
	if (row->at_most != 0 && fabs(row->figure) > row->at_most)
		return false;
	return row->at_least == 0 || row->figure >= row->at_least;
}

static void print_target(struct printout *printout, const struct printout_row *row)
{
	if (row->at_most != 0)
		printf(" [at most %.4g]", row->at_most);
	if (row->at_least != 0)
		printf(" [at least %.4g]", row->at_least);
	if (!is_met(row)) {
		printf(" <-- MISSED");
		printout->missed++;
	}
}

void printout_row(struct printout *printout, const struct printout_row *row)
{
	printf("  %-*s %*.*f %-*s", WHAT_WIDTH, row->what, FIGURE_WIDTH, row->digits,
		row->figure, UNIT_WIDTH, row->spec);
	print_spread(row);
	print_target(printout, row);
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
