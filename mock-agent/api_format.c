#include "mock-agent/api_format.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_write.h"
#include "lib/mem.h"

#define ID_LETTERS 22

/* The kernel's noise, asked for many ids at once. */
static void take_noise(unsigned char *noise, size_t len)
{
	static unsigned char store[256]; /* which getrandom() never cuts short */
	static size_t left;

	if (left < len) {
		if (getrandom(store, sizeof store, 0) != sizeof store)
			abort();
		left = sizeof store;
	}
	left -= len;
	memcpy(noise, store + left, len);
}

void api_format_id(char id[API_FORMAT_ID_SIZE], const char *prefix)
{
	static const char letters[] =
		"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	unsigned char noise[ID_LETTERS];
	char *at = stpncpy(id, prefix, API_FORMAT_ID_SIZE - ID_LETTERS - 4);

	take_noise(noise, sizeof noise);
	at = stpcpy(at, "_01");
	for (unsigned i = 0; i < ID_LETTERS; i++)
		*at++ = letters[noise[i] % (sizeof letters - 1)];
	*at = '\0';
}

/* "not_found_error" for 404. */
static const char *error_type(unsigned status)
{
	static const struct {
		unsigned status;
		const char *type;
	} types[] = {
		{401, "authentication_error"},
		{402, "billing_error"},
		{403, "permission_error"},
		{404, "not_found_error"},
		{413, "request_too_large"},
		{429, "rate_limit_error"},
		{504, "timeout_error"},
		{529, "overloaded_error"},
	};

	for (unsigned i = 0; i < COUNT(types); i++) {
		if (types[i].status == status)
			return types[i].type;
	}
	return status < 500 ? "invalid_request_error" : "api_error";
}

cJSON *api_format_error(unsigned status, const char *message, const char *request_id)
{
	SCOPED(buf_done) struct buf text = {0};

	api_format_write_error(&text, status, message, request_id);
	return json_parse(buf_text(&text), text.len);
}

void api_format_write_error(
	struct buf *body, unsigned status, const char *message, const char *request_id)
{
	json_write(body, "{'type':'error','error':{'type':%s,'message':%s}",
		error_type(status), message);
	if (request_id)
		json_write(body, ",'request_id':%s", request_id);
	buf_adds(body, "}");
}

void api_format_error_frame(struct buf *frame, unsigned status, const char *message,
	UNUSED unsigned sequence)
{
	buf_adds(frame, "event: error\ndata: ");
	api_format_write_error(frame, status, message, NULL);
	buf_adds(frame, "\n\n");
}

void api_format_frame(struct buf *frame, const char *type, const char *json)
{
	buf_adds(frame, "event: ");
	buf_adds(frame, type);
	buf_adds(frame, "\ndata: ");
	buf_adds(frame, json);
	buf_adds(frame, "\n\n");
}

void api_format_event(struct buf *frame, const cJSON *event)
{
	SCOPED(mem_free) char *json = json_print(event);

	api_format_frame(frame, json_text(event, "type"), json);
}

void api_format_stamp(cJSON *object, const char *member)
{
	char text[CLOCK_WALL_SIZE];

	clock_wall(text);
	cJSON_DeleteItemFromObjectCaseSensitive(object, member);
	cJSON_AddStringToObject(object, member, text);
}

/* ".123" to ns; steps over it. */
static int64_t read_fraction(const char **text)
{
	int64_t ns = 0, unit = CLOCK_S;

	if (**text != '.')
		return 0;
	for ((*text)++; isdigit((unsigned char)**text); (*text)++) {
		unit /= 10;
		ns += unit * (**text - '0');
	}
	return ns;
}

/* "Z" or "+01:00" to seconds. */
static bool read_offset(const char *text, int64_t *s)
{
	unsigned hours, minutes;
	int len = 0;

	if (strcasecmp(text, "Z") == 0) {
		*s = 0;
		return true;
	}
	/* An unescaped "+" of a query is a space here. */
	if ((*text != '+' && *text != '-' && *text != ' ') ||
		sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &len) != 2 ||
		text[1 + len] != '\0')
		return false;
	*s = (int64_t)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
	return true;
}

bool api_format_time(const char *text, int64_t *ns)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t fraction_ns, offset_s;

	if (!rest)
		return false;
	fraction_ns = read_fraction(&rest);
	/* Other years overflow int64_t. */
	if (!read_offset(rest, &offset_s) || tm.tm_year < -200 || tm.tm_year > 300)
		return false;
	*ns = ((int64_t)timegm(&tm) - offset_s) * CLOCK_S + fraction_ns;
	return true;
}

void api_format_set(cJSON *object, const char *member, const cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, member);
	cJSON_AddItemToObject(object, member,
		value ? cJSON_Duplicate(value, true) : cJSON_CreateNull());
}

void api_format_merge(cJSON *object, const cJSON *from, const char *const *names)
{
	for (; *names; names++) {
		if (json_get(from, *names))
			api_format_set(object, *names, json_get(from, *names));
	}
}

bool api_format_is(const cJSON *object, const char *member, const char *text)
{
	const char *value = json_text(object, member);

	return value && strcmp(value, text) == 0;
}

char *api_format_content_text(const cJSON *content)
{
	SCOPED(buf_done) struct buf text = {0};
	const cJSON *block;

	if (cJSON_IsString(content))
		buf_adds(&text, content->valuestring);
	cJSON_ArrayForEach(block, content) {
		const char *part = json_text(block, "text");

		if (part && cJSON_IsArray(content))
			buf_addf(&text, "%s%s", text.len > 0 ? "\n" : "", part);
	}
	return buf_take(&text);
}

void api_format_patch_metadata(cJSON *metadata, const cJSON *patch)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, patch) {
		if (cJSON_IsNull(entry))
			cJSON_DeleteItemFromObjectCaseSensitive(
				metadata, entry->string);
		else
			api_format_set(metadata, entry->string, entry);
	}
}

bool api_format_is_metadata(const cJSON *node, bool with_nulls)
{
	const cJSON *entry;

	if (!cJSON_IsObject(node))
		return false;
	cJSON_ArrayForEach(entry, node) {
		if (!cJSON_IsString(entry) && !(with_nulls && cJSON_IsNull(entry)))
			return false;
	}
	return true;
}
