#include "lib/settings.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/options.h"

#define FIRST_KEY 256 /* argp takes keys below for letters: -g */

static bool read_environment(
	const struct field *settings, const char *prefix, void *out, struct err *err)
{
	for (const struct field *setting = settings; setting->name; setting++) {
		SCOPED(mem_free) char *name = mem_textf("%s%s", prefix, setting->name);
		const char *text = getenv(name);

		if (!text || *text == '\0' ||
			field_parse(setting, (char *)out + setting->offset, text, err))
			continue;
		if (setting->secret)
			return err_set(err, "%s: not a value that it can have", name);
		return err_while(err, "%s", name);
	}
	return true;
}

struct flags {
	const struct field *settings;
	void *out;
	struct err *err;
	size_t count;
	struct argp_option
		*options; /* owned, texts too; one more than count: the end */
};

static char *flag_name(const struct field *setting, const char *prefix)
{
	char *name = setting->secret ? mem_textf("%s%s", prefix, setting->name)
				     : mem_text(setting->name);

	for (char *c = name; *c != '\0' && !setting->secret; c++)
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	return name;
}

static char *flag_arg(const struct field *setting)
{
	static const char *const names[] = {
		[FIELD_BOOL] = "BOOL",
		[FIELD_INT] = "NUMBER",
		[FIELD_DURATION] = "DURATION",
		[FIELD_TEXT] = "TEXT",
	};
	SCOPED(buf_done) struct buf text = {0};

	if (setting->kind != FIELD_CHOICE)
		return mem_text(names[setting->kind]);
	for (size_t i = 0; setting->choices[i]; i++)
		buf_addf(&text, "%s%s", i == 0 ? "" : "|", setting->choices[i]);
	return buf_take(&text);
}

static char *flag_doc(const struct field *setting, const char *prefix)
{
	if (setting->secret)
		return mem_textf(
			"%s (only as a variable of the environment)", setting->help);
	if (!setting->preset)
		return mem_textf("%s (or %s%s)", setting->help, prefix, setting->name);
	return mem_textf("%s (or %s%s; default %s)", setting->help, prefix,
		setting->name, *setting->preset ? setting->preset : "empty");
}

static void flags_init(struct flags *flags, const struct field *settings,
	const char *prefix, void *out, struct err *err)
{
	*flags = (struct flags){settings, out, err, 0, NULL};
	while (settings[flags->count].name)
		flags->count++;
	flags->options = mem_zeroed((flags->count + 1) * sizeof *flags->options);
	for (size_t i = 0; i < flags->count; i++) {
		bool secret = settings[i].secret;

		flags->options[i] = (struct argp_option){
			.name = flag_name(&settings[i], prefix),
			.key = FIRST_KEY + (int)i,
			.arg = secret ? NULL : flag_arg(&settings[i]),
			.doc = flag_doc(&settings[i], prefix),
			.flags = secret ? OPTION_DOC | OPTION_NO_USAGE
				: settings[i].kind == FIELD_BOOL ? OPTION_ARG_OPTIONAL
								 : 0,
			.group = secret,
		};
	}
}

static void flags_done(struct flags *flags)
{
	for (size_t i = 0; i < flags->count; i++) {
		mem_free(&flags->options[i].name);
		mem_free(&flags->options[i].arg);
		mem_free(&flags->options[i].doc);
	}
	free(flags->options);
}

static error_t on_flag(int key, char *arg, struct argp_state *state)
{
	struct flags *flags = state->input;
	size_t i = (size_t)(key - FIRST_KEY);
	const struct field *setting = &flags->settings[i];

	if (key < FIRST_KEY || i >= flags->count)
		return ARGP_ERR_UNKNOWN;
	if (field_parse(setting, (char *)flags->out + setting->offset,
		    arg ? arg : "true", flags->err))
		return 0;
	err_while(flags->err, "--%s", flags->options[i].name);
	return EINVAL;
}

static bool read_flags(const struct field *settings, const char *prefix, void *out,
	int argc, char **argv, const char *about, struct err *err)
{
	SCOPED(flags_done) struct flags flags;
	struct argp argp = {.parser = on_flag, .doc = about};

	flags_init(&flags, settings, prefix, out, err);
	argp.options = flags.options;
	return options_parse(&argp, argc, argv, &flags);
}

bool settings_read(const struct field *settings, const char *prefix, void *out,
	int argc, char **argv, const char *about, struct err *err)
{
	fields_preset(settings, out);
	if (read_environment(settings, prefix, out, err) &&
		read_flags(settings, prefix, out, argc, argv, about, err))
		return true;
	fields_done(settings, out);
	return false;
}

/* Exact, unlike clock_format(). */
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

static void log_setting(const struct field *setting, const void *at)
{
	SCOPED(mem_free) char *duration = NULL;
	const char *name = setting->name, *text = NULL;

	switch (setting->kind) {
	case FIELD_INT:
		log_event("setting", "name", LOG_TEXT(name), "value",
			LOG_INT(*(const int64_t *)at));
		return;
	case FIELD_BOOL:
		log_event("setting", "name", LOG_TEXT(name), "value",
			LOG_BOOL(*(const bool *)at));
		return;
	case FIELD_TEXT:
		text = *(char *const *)at;
		if (text && setting->secret)
			text = "(set)";
		break;
	case FIELD_DURATION:
		text = duration = duration_text(*(const int64_t *)at);
		break;
	case FIELD_CHOICE:
		text = setting->choices[*(const int *)at];
		break;
	case FIELD_NUMBER:
	case FIELD_OBJECT:
	case FIELD_OTHER:
		abort();
	}
	log_event("setting", "name", LOG_TEXT(name), "value", LOG_TEXT(text));
}

void settings_log(const struct field *settings, const void *out)
{
	for (const struct field *setting = settings; setting->name; setting++)
		log_setting(setting, (const char *)out + setting->offset);
}
