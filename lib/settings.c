#include "lib/settings.h"

#include <argp.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/options.h"

#define FIRST_KEY 256 /* argp takes keys below for letters: -g */

static size_t count_settings(const struct setting *settings)
{
	size_t count = 0;

	while (settings[count].name)
		count++;
	return count;
}

static void *place(const struct setting *setting, void *out)
{
	return (char *)out + setting->offset;
}

static const void *place_const(const struct setting *setting, const void *out)
{
	return (const char *)out + setting->offset;
}

/* "a, b, c", or with other marks between; to free(). */
static char *list_choices(const struct setting *setting, const char *between)
{
	SCOPED(buf_done) struct buf text = {0};

	for (size_t i = 0; setting->choices[i]; i++)
		buf_addf(&text, "%s%s", i == 0 ? "" : between, setting->choices[i]);
	return buf_take(&text);
}

static bool parse_int(
	int64_t *out, const struct setting *setting, const char *text, struct err *err)
{
	bool ranged = setting->min != 0 || setting->max != 0;
	intmax_t value;
	char *end;

	errno = 0;
	value = strtoimax(text, &end, 10);
	if (end == text || *end != '\0' || isspace((unsigned char)*text))
		return err_set(err, "\"%.40s\": expected a whole number", text);
	if (errno == ERANGE ||
		(ranged && (value < setting->min || value > setting->max)))
		return err_set(err,
			"%.40s: expected a number from %" PRId64 " to %" PRId64, text,
			ranged ? setting->min : INT64_MIN,
			ranged ? setting->max : INT64_MAX);
	*out = value;
	return true;
}

static bool parse_choice(
	int *out, const struct setting *setting, const char *text, struct err *err)
{
	SCOPED(mem_free) char *all = NULL;

	for (int i = 0; setting->choices[i]; i++)
		if (!strcmp(setting->choices[i], text)) {
			*out = i;
			return true;
		}
	all = list_choices(setting, ", ");
	return err_set(err, "\"%.40s\": expected one of %s", text, all);
}

static bool parse_bool(bool *out, const char *text, struct err *err)
{
	static const char *const words[][2] = {
		{"0", "1"}, {"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < COUNT(words); i++)
		for (int value = 0; value < 2; value++)
			if (!strcasecmp(words[i][value], text)) {
				*out = value;
				return true;
			}
	return err_set(err, "\"%.40s\": expected true or false", text);
}

static bool parse(
	const struct setting *setting, void *out, const char *text, struct err *err)
{
	void *at = place(setting, out);

	switch (setting->kind) {
	case SETTING_TEXT:
		mem_free(at);
		*(char **)at = mem_text(text);
		return true;
	case SETTING_INT:
		return parse_int(at, setting, text, err);
	case SETTING_DURATION:
		return clock_parse(at, text, err);
	case SETTING_CHOICE:
		return parse_choice(at, setting, text, err);
	case SETTING_BOOL:
		return parse_bool(at, text, err);
	}
	return false;
}

static void zero(const struct setting *setting, void *out)
{
	void *at = place(setting, out);

	switch (setting->kind) {
	case SETTING_TEXT:
		*(char **)at = NULL;
		return;
	case SETTING_INT:
	case SETTING_DURATION:
		*(int64_t *)at = 0;
		return;
	case SETTING_CHOICE:
		*(int *)at = 0;
		return;
	case SETTING_BOOL:
		*(bool *)at = false;
		return;
	}
}

static void read_presets(const struct setting *settings, void *out)
{
	struct err err;

	for (const struct setting *setting = settings; setting->name; setting++) {
		assert(!setting->secret || setting->kind == SETTING_TEXT);
		zero(setting, out);
		if (!setting->preset || parse(setting, out, setting->preset, &err))
			continue;
		fprintf(stderr, "preset of %s: %s\n", setting->name, err.text);
		abort();
	}
}

static bool read_environment(
	const struct setting *settings, const char *prefix, void *out, struct err *err)
{
	for (const struct setting *setting = settings; setting->name; setting++) {
		SCOPED(mem_free) char *name = mem_textf("%s%s", prefix, setting->name);
		const char *text = getenv(name);

		if (!text || *text == '\0' || parse(setting, out, text, err))
			continue;
		if (setting->secret)
			return err_set(err, "%s: not a value that it can have", name);
		return err_while(err, "%s", name);
	}
	return true;
}

/* What argp shows of a row. */
struct flag {
	char *name; /* "max-sessions"; of a secret MAX_SESSIONS */
	char *arg;  /* "NUMBER" */
	char *doc;
};

struct flags {
	const struct setting *settings;
	const char *prefix;
	void *out;
	struct err *err;
	size_t count;
	struct flag *texts;
	struct argp_option *options; /* one more than count: the end */
};

static char *flag_name(const struct setting *setting, const char *prefix)
{
	char *name = setting->secret ? mem_textf("%s%s", prefix, setting->name)
				     : mem_text(setting->name);

	for (char *c = name; *c != '\0' && !setting->secret; c++)
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	return name;
}

static char *flag_arg(const struct setting *setting)
{
	switch (setting->kind) {
	case SETTING_TEXT:
		return mem_text("TEXT");
	case SETTING_INT:
		return mem_text("NUMBER");
	case SETTING_DURATION:
		return mem_text("DURATION");
	case SETTING_CHOICE:
		return list_choices(setting, "|");
	case SETTING_BOOL:
		return mem_text("BOOL");
	}
	return NULL;
}

static char *flag_doc(const struct setting *setting, const char *prefix)
{
	if (setting->secret)
		return mem_textf(
			"%s (only as a variable of the environment)", setting->help);
	if (!setting->preset)
		return mem_textf("%s (or %s%s)", setting->help, prefix, setting->name);
	return mem_textf("%s (or %s%s; default %s)", setting->help, prefix,
		setting->name, *setting->preset ? setting->preset : "empty");
}

static void flags_init(struct flags *flags, const struct setting *settings,
	const char *prefix, void *out, struct err *err)
{
	size_t count = count_settings(settings);

	*flags = (struct flags){settings, prefix, out, err, .count = count};
	flags->texts = mem_zeroed((count + 1) * sizeof *flags->texts);
	flags->options = mem_zeroed((count + 1) * sizeof *flags->options);
	for (size_t i = 0; i < count; i++) {
		struct flag *text = &flags->texts[i];
		bool secret = settings[i].secret;

		text->name = flag_name(&settings[i], prefix);
		text->arg = secret ? NULL : flag_arg(&settings[i]);
		text->doc = flag_doc(&settings[i], prefix);
		flags->options[i] = (struct argp_option){
			.name = text->name,
			.key = FIRST_KEY + (int)i,
			.arg = text->arg,
			.doc = text->doc,
			.flags = secret ? OPTION_DOC | OPTION_NO_USAGE
				: settings[i].kind == SETTING_BOOL ? OPTION_ARG_OPTIONAL
								   : 0,
			.group = secret,
		};
	}
}

static void flags_done(struct flags *flags)
{
	for (size_t i = 0; i < flags->count; i++) {
		free(flags->texts[i].name);
		free(flags->texts[i].arg);
		free(flags->texts[i].doc);
	}
	free(flags->texts);
	free(flags->options);
}

static error_t on_flag(int key, char *arg, struct argp_state *state)
{
	struct flags *flags = state->input;
	size_t i = (size_t)(key - FIRST_KEY);

	if (key < FIRST_KEY || i >= flags->count)
		return ARGP_ERR_UNKNOWN;
	if (parse(&flags->settings[i], flags->out, arg ? arg : "true", flags->err))
		return 0;
	err_while(flags->err, "--%s", flags->texts[i].name);
	return EINVAL;
}

static bool read_flags(const struct setting *settings, const char *prefix, void *out,
	int argc, char **argv, const char *about, struct err *err)
{
	SCOPED(flags_done) struct flags flags;
	struct argp argp = {.parser = on_flag, .doc = about};

	flags_init(&flags, settings, prefix, out, err);
	argp.options = flags.options;
	return options_parse(&argp, argc, argv, &flags);
}

bool settings_read(const struct setting *settings, const char *prefix, void *out,
	int argc, char **argv, const char *about, struct err *err)
{
	read_presets(settings, out);
	if (read_environment(settings, prefix, out, err) &&
		read_flags(settings, prefix, out, argc, argv, about, err))
		return true;
	settings_done(settings, out);
	return false;
}

void settings_done(const struct setting *settings, void *out)
{
	for (const struct setting *setting = settings; setting->name; setting++)
		if (setting->kind == SETTING_TEXT)
			mem_free(place(setting, out));
}

/* Exact, unlike clock_format(): a report says what was asked for, not about what. */
static char *duration_text(int64_t ns)
{
	static const struct {
		int64_t ns;
		const char *name;
	} units[] = {{60 * CLOCK_S, "m"}, {CLOCK_S, "s"}, {CLOCK_MS, "ms"},
		{CLOCK_US, "us"}, {1, "ns"}};
	size_t unit = ns == 0 ? 1 : 0;

	while (ns % units[unit].ns != 0)
		unit++;
	return mem_textf("%" PRId64 "%s", ns / units[unit].ns, units[unit].name);
}

static void log_setting(const struct setting *setting, const void *at)
{
	SCOPED(mem_free) char *text = NULL;
	const char *name = setting->name;

	switch (setting->kind) {
	case SETTING_TEXT:
		log_event("setting", "name", LOG_TEXT(name), "value",
			LOG_TEXT(*(char *const *)at));
		return;
	case SETTING_INT:
		log_event("setting", "name", LOG_TEXT(name), "value",
			LOG_INT(*(const int64_t *)at));
		return;
	case SETTING_DURATION:
		text = duration_text(*(const int64_t *)at);
		log_event("setting", "name", LOG_TEXT(name), "value", LOG_TEXT(text));
		return;
	case SETTING_CHOICE:
		log_event("setting", "name", LOG_TEXT(name), "value",
			LOG_TEXT(setting->choices[*(const int *)at]));
		return;
	case SETTING_BOOL:
		log_event("setting", "name", LOG_TEXT(name), "value",
			LOG_BOOL(*(const bool *)at));
		return;
	}
}

void settings_log(const struct setting *settings, const void *out)
{
	for (const struct setting *setting = settings; setting->name; setting++) {
		const void *at = place_const(setting, out);

		if (!setting->secret)
			log_setting(setting, at);
		else
			log_event("setting", "name", LOG_TEXT(setting->name), "value",
				LOG_TEXT(*(char *const *)at ? "(set)" : NULL));
	}
}
