#include "lib/clock.h"

#include <ctype.h>
#include <limits.h>
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

void clock_wall(char text[CLOCK_WALL_SIZE])
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(text, CLOCK_WALL_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, CLOCK_WALL_SIZE - len, ".%03ldZ", now.tv_nsec / CLOCK_MS);
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

/* The digits after a point, in ns. Dividing step by step, from the last digit, gives the
 * same as dividing once and cannot overflow. */
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
		return "expected a number";
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

/* Takes exactly count digits and, unless it is NUL, the mark after them. */
static bool take_number(const char **at, size_t count, char mark, int *number)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		if (!isdigit((unsigned char)**at))
			return false;
		value = value * 10 + (*(*at)++ - '0');
	}
	if (mark != '\0' && *(*at)++ != mark)
		return false;
	*number = value;
	return true;
}

/* Takes "Z", or "+01:00" as 3600. */
static bool take_zone(const char **at, int *seconds)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	if (**at == 'Z') {
		(*at)++;
		*seconds = 0;
		return true;
	}
	if (**at != '+' && **at != '-')
		return false;
	(*at)++;
	if (!take_number(at, 2, ':', &hours) || !take_number(at, 2, '\0', &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
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
static bool take_moment(const char *at, int64_t *second, int64_t *ns)
{
	const char *fraction;
	size_t len = 0;
	struct tm tm = {0};
	int zone;

	if (!take_number(&at, 4, '-', &tm.tm_year) ||
		!take_number(&at, 2, '-', &tm.tm_mon) ||
		!take_number(&at, 2, 'T', &tm.tm_mday) ||
		!take_number(&at, 2, ':', &tm.tm_hour) ||
		!take_number(&at, 2, ':', &tm.tm_min) ||
		!take_number(&at, 2, '\0', &tm.tm_sec))
		return false;
	fraction = at;
	if (*at == '.') {
		fraction++;
		len = count_digits(fraction);
		if (len == 0 || len > 9)
			return false;
		at = fraction + len;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!take_zone(&at, &zone) || *at != '\0' || !find_second(&tm, second))
		return false;
	*second -= zone;
	*ns = part_of(CLOCK_S, fraction, len);
	return true;
}

bool clock_parse_rfc3339(int64_t *ns, const char *text, struct err *err)
{
	int64_t second, part;

	if (!take_moment(text, &second, &part))
		return err_set(err,
			"\"%.40s\": expected a time such as "
			"\"2026-11-22T22:05:00.123456789Z\"",
			text);
	if (second < 0 || second >= INT64_MAX / CLOCK_S)
		return err_set(err, "\"%.40s\": not between 1970 and 2262", text);
	*ns = second * CLOCK_S + part;
	return true;
}

/* How many hundredths, tenths or wholes of a unit. */
static unsigned count_parts(const struct unit *unit, uint64_t ns, unsigned parts)
{
	uint64_t step = (uint64_t)unit->ns / parts;

	return step == 0 ? UINT_MAX : (unsigned)((ns + step / 2) / step);
}

/* Picks the smallest unit and the most decimals that fit three figures after rounding,
 * so that 999.6us is 1.00ms. */
const char *clock_format(int64_t ns, char text[CLOCK_TEXT_SIZE])
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	const char *sign = ns < 0 ? "-" : "";
	const struct unit *unit = units, *largest = &units[COUNT(units) - 1];

	if (ns == 0)
		return strcpy(text, "0");
	while (unit < largest &&
		size >= (uint64_t)unit->ns * 1000 - (uint64_t)unit->ns / 2)
		unit++;
	if (count_parts(unit, size, 100) < 1000) {
		unsigned hundredths = count_parts(unit, size, 100);

		snprintf(text, CLOCK_TEXT_SIZE, "%s%u.%02u%s", sign, hundredths / 100,
			hundredths % 100, unit->name);
	} else if (count_parts(unit, size, 10) < 1000) {
		unsigned tenths = count_parts(unit, size, 10);

		snprintf(text, CLOCK_TEXT_SIZE, "%s%u.%u%s", sign, tenths / 10,
			tenths % 10, unit->name);
	} else {
		snprintf(text, CLOCK_TEXT_SIZE, "%s%u%s", sign,
			count_parts(unit, size, 1), unit->name);
	}
	return text;
}

uint64_t clock_ms_up(int64_t ns)
{
	if (ns <= 0)
		return 0;
	return (uint64_t)(ns / CLOCK_MS) + (ns % CLOCK_MS > 0) + 1;
}
