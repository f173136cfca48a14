#include "lib/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LONGEST (1000 * 3600 * CLOCK_S)

struct unit {
	const char *name;
	int64_t ns;
};

static const struct unit units[] = {
	{"ns", 1},
	{"us", CLOCK_US},
	{"ms", CLOCK_MS},
	{"s", CLOCK_S},
	{"m", 60 * CLOCK_S},
	{"h", 3600 * CLOCK_S},
};

int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_S + now.tv_nsec;
}

static char *put_digits(char *at, unsigned number, unsigned count, char end)
{
	for (unsigned i = count; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	at[count] = end;
	return at + count + 1;
}

/* By hand, because it stands in every line of the log. */
void clock_wall(char text[CLOCK_WALL_SIZE])
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	text = put_digits(text, (unsigned)tm.tm_year + 1900, 4, '-');
	text = put_digits(text, (unsigned)tm.tm_mon + 1, 2, '-');
	text = put_digits(text, (unsigned)tm.tm_mday, 2, 'T');
	text = put_digits(text, (unsigned)tm.tm_hour, 2, ':');
	text = put_digits(text, (unsigned)tm.tm_min, 2, ':');
	text = put_digits(text, (unsigned)tm.tm_sec, 2, '.');
	text = put_digits(text, (unsigned)(now.tv_nsec / CLOCK_MS), 3, 'Z');
	*text = '\0';
}

int64_t clock_of_wall(int64_t wall_ns)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return clock_now() - (now.tv_sec * CLOCK_S + now.tv_nsec - wall_ns);
}

static const struct unit *find_unit(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(units); i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, name, len))
			return &units[i];
	return NULL;
}

static size_t count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* The digits after a point, in ns. Dividing step by step, from the last digit, gives
 * the same as dividing once and cannot overflow. */
static int64_t part_of(int64_t unit_ns, const char *digits, size_t count)
{
	int64_t ns = 0;

	while (count-- > 0)
		ns = (ns + (digits[count] - '0') * unit_ns) / 10;
	return ns;
}

/* Takes "1.5s" off the front of *at. Each unit is smaller than the one before. */
static const char *take_part(const char **at, int64_t *ns, int64_t *below)
{
	const char *whole = *at, *fraction, *name;
	size_t whole_len = count_digits(whole), fraction_len = 0, name_len = 0;
	const struct unit *unit;
	int64_t count = 0;

	fraction = whole + whole_len;
	if (*fraction == '.') {
		fraction++;
		fraction_len = count_digits(fraction);
		if (fraction_len == 0)
			return "a digit is missing after the point";
	}
	name = fraction + fraction_len;
	while (isalpha((unsigned char)name[name_len]))
		name_len++;
	if (whole_len == 0)
		return "no number";
	if (name_len == 0)
		return "the unit is missing";
	unit = find_unit(name, name_len);
	if (!unit)
		return "unknown unit";
	if (unit->ns >= *below)
		return "units go from the largest to the smallest, each once";
	for (size_t i = 0; i < whole_len; i++) {
		count = count * 10 + (whole[i] - '0');
		if (count > LONGEST / unit->ns)
			return "longer than 1000h";
	}
	*ns += count * unit->ns + part_of(unit->ns, fraction, fraction_len);
	*below = unit->ns;
	*at = name + name_len;
	return *ns > LONGEST ? "longer than 1000h" : NULL;
}

bool clock_parse(int64_t *ns, const char *text, struct err *err)
{
	const char *at = text, *wrong;
	int64_t sum = 0, below = INT64_MAX;

	do {
		wrong = take_part(&at, &sum, &below);
		if (wrong)
			return err_set(err,
				"\"%.40s\": %s; expected a duration such as \"250ms\" or "
				"\"1m30s\" (units ns us ms s m h)",
				text, wrong);
	} while (*at != '\0');
	*ns = sum;
	return true;
}

/* Does text begin as the pattern says? A 0 of the pattern stands for any digit. */
static bool begins_like(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++)
		if (*pattern == '0' ? !isdigit((unsigned char)*text)
				    : *text != *pattern)
			return false;
	return true;
}

/* Reads "Z", or "+01:00" as 3600. */
static bool read_zone(const char *text, int *seconds)
{
	int hours = 0, minutes = 0;

	if (begins_like(text, "+00:00") || begins_like(text, "-00:00"))
		sscanf(text + 1, "%2d:%2d", &hours, &minutes);
	else if (strcmp(text, "Z") != 0)
		return false;
	*seconds = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60 && (*text == 'Z' || text[6] == '\0');
}

/* timegm() turns a 30th of February into a 2nd of March; such a day is an error. */
static bool find_second(struct tm *tm, int64_t *second)
{
	int day = tm->tm_mday;

	if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_hour > 23 || tm->tm_min > 59 ||
		tm->tm_sec > 60)
		return false;
	*second = tm->tm_sec;
	tm->tm_sec = 0;
	*second += timegm(tm);
	return tm->tm_mday == day;
}

/* Reads the whole time but does not check its range. */
static bool read_moment(const char *text, int64_t *second, int64_t *ns)
{
	const char *rest = text + strlen("0000-00-00T00:00:00");
	size_t digits = 0;
	struct tm tm = {0};
	int zone;

	if (!begins_like(text, "0000-00-00T00:00:00"))
		return false;
	sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		&tm.tm_hour, &tm.tm_min, &tm.tm_sec);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (*rest == '.') {
		digits = count_digits(++rest);
		if (digits == 0 || digits > 9)
			return false;
	}
	*ns = part_of(CLOCK_S, rest, digits);
	if (!read_zone(rest + digits, &zone) || !find_second(&tm, second))
		return false;
	*second -= zone;
	return true;
}

bool clock_parse_rfc3339(int64_t *ns, const char *text, struct err *err)
{
	int64_t second, part;

	if (!read_moment(text, &second, &part))
		return err_set(err,
			"\"%.40s\": expected a time such as "
			"\"2026-11-22T22:05:00.123456789Z\"",
			text);
	if (second < 0 || second >= INT64_MAX / CLOCK_S)
		return err_set(err, "\"%.40s\": not between 1970 and 2262", text);
	*ns = second * CLOCK_S + part;
	return true;
}

/* Picks the smallest unit and the most decimals that fit three figures after rounding,
 * so that 999.6us is 1.00ms. */
const char *clock_format(int64_t ns, char text[CLOCK_TEXT_SIZE])
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, parts = 100, count;
	const char *sign = ns < 0 ? "-" : "";
	const struct unit *unit = units, *largest = &units[COUNT(units) - 1];
	int decimals = 2;

	if (ns == 0)
		return strcpy(text, "0");
	while (unit < largest &&
		size >= (uint64_t)unit->ns * 1000 - (uint64_t)unit->ns / 2)
		unit++;
	for (;; parts /= 10, decimals--) {
		uint64_t step = (uint64_t)unit->ns / parts;

		count = step ? (size + step / 2) / step : UINT64_MAX;
		if (count < 1000 || decimals == 0)
			break;
	}
	if (decimals == 0)
		snprintf(text, CLOCK_TEXT_SIZE, "%s%" PRIu64 "%s", sign, count,
			unit->name);
	else
		snprintf(text, CLOCK_TEXT_SIZE, "%s%" PRIu64 ".%0*" PRIu64 "%s", sign,
			count / parts, decimals, count % parts, unit->name);
	return text;
}

uint64_t clock_ms_up(int64_t ns)
{
	if (ns <= 0)
		return 0;
	return (uint64_t)(ns / CLOCK_MS) + (ns % CLOCK_MS > 0) + 1;
}
