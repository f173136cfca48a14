#include "harness/format/outputs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/mem.h"

static const struct format *read_name(const char *text, struct err *err)
{
	SCOPED(mem_free) char *name = mem_textf("%.*s", (int)strcspn(text, "="), text);
	SCOPED(mem_free) char *names = format_names();
	const struct format *format = format_find(name);

	if (!format)
		err_set(err, "%s, not \"%s\"", names, name);
	return format;
}

static bool fits_others(
	const struct outputs *outputs, const struct output *output, struct err *err)
{
	for (unsigned i = 0; i < outputs->count; i++) {
		const struct output *other = &outputs->list[i];

		if (!output->path && !other->path)
			return err_set(err,
				"%s and %s would both go to stdout: write %s=FILE",
				other->format->name, output->format->name,
				output->format->name);
		if (output->path && other->path &&
			strcmp(output->path, other->path) == 0)
			return err_set(err, "%s and %s would both go to %s",
				other->format->name, output->format->name,
				output->path);
	}
	return true;
}

bool outputs_add(struct outputs *outputs, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	struct output output = {
		.format = read_name(text, err),
		.path = equals ? equals + 1 : NULL,
	};

	if (!output.format)
		return false;
	if (equals && !equals[1])
		return err_set(err, "%s: a file behind \"=\"", text);
	if (!fits_others(outputs, &output, err))
		return false;
	outputs->list =
		mem_grown(outputs->list, outputs->count + 1, sizeof *outputs->list);
	outputs->list[outputs->count++] = output;
	return true;
}

void outputs_done(struct outputs *outputs)
{
	free(outputs->list);
	*outputs = (struct outputs){0};
}

bool outputs_check(const struct outputs *outputs, struct err *err)
{
	for (unsigned i = 0; i < outputs->count; i++) {
		const char *path = outputs->list[i].path;

		if (path && !fs_check_replaceable(path, err))
			return false;
	}
	return true;
}

const struct format *outputs_on_stdout(const struct outputs *outputs)
{
	for (unsigned i = 0; i < outputs->count; i++) {
		if (!outputs->list[i].path)
			return outputs->list[i].format;
	}
	return &formats[0];
}

bool outputs_want_picture(const struct outputs *outputs)
{
	for (unsigned i = 0; i < outputs->count; i++) {
		if (outputs->list[i].format->wants_picture)
			return true;
	}
	return false;
}

static bool write_file(
	const struct output *output, const cJSON *results, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ok;

	if (!out)
		return err_sys(err, "%s", output->path);
	output->format->print(out, results);
	fclose(out);
	ok = fs_replace_file(output->path, text, len, err);
	free(text);
	return ok;
}

bool outputs_print(const struct outputs *outputs, const cJSON *results, struct err *err)
{
	struct err ignored;
	bool ok = true;

	outputs_on_stdout(outputs)->print(stdout, results);
	for (unsigned i = 0; i < outputs->count; i++) {
		if (outputs->list[i].path)
			ok = write_file(
				     &outputs->list[i], results, ok ? err : &ignored) &&
				ok;
	}
	return ok;
}

static char *help(void)
{
	struct buf help = {0};

	buf_adds(&help,
		"what is printed at the end, into FILE or (one of them) on stdout; several at "
		"once: ");
	for (const struct format *format = formats; format->name; format++)
		buf_addf(&help, "%s%s (%s%s)", format == formats ? "" : ", ",
			format->name, format == formats ? "the default: " : "",
			format->help);
	return buf_take(&help);
}

char *outputs_help_filter(int key, const char *text, void *input UNUSED)
{
	return key == 'f' ? help() : (char *)(void *)(size_t)text;
}
