#include "service/webhook.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

#define EXACT_MAX ((int64_t)1 << 53) /* up to here every whole number is a double */

/* The member `key` of object, which is called `what`. */
static bool need(const struct json_doc *doc, const cJSON *object, const char *what,
	const char *key, const cJSON **member, struct err *err)
{
	*member = json_get(object, key);
	if (*member)
		return true;
	return json_doc_wrong(
		doc, object, err, "%s%s%s is missing", what, *what ? "." : "", key);
}

/* The same; it has to be a string. */
static bool need_text(const struct json_doc *doc, const cJSON *object, const char *what,
	const char *key, const cJSON **member, struct err *err)
{
	return need(doc, object, what, key, member, err) &&
		(cJSON_IsString(*member) ||
			json_doc_wrong(doc, *member, err,
				"%s%s%s: expected a string, not %s", what,
				*what ? "." : "", key, json_kind(*member)));
}

/* Ids of 64 bits and more are common: their digits are kept. Smaller ones may be
 * written in any form: 1e3 is 1000. */
static bool read_number(const struct json_doc *doc, const cJSON *id, const char *what,
	char **text, struct err *err)
{
	SCOPED(mem_free) char *digits = json_doc_text(doc, id);
	int64_t number;

	if (json_whole(id, &number) && number > -EXACT_MAX && number < EXACT_MAX) {
		*text = mem_textf("%" PRId64, number);
		return true;
	}
	if (!digits || digits[strspn(digits, "-0123456789")] != '\0')
		return json_doc_wrong(doc, id, err,
			"%s.id: expected a whole number, or a string", what);
	*text = digits;
	digits = NULL;
	return true;
}

/* An id becomes a value of the environment and of metadata, and part of a log line. */
static bool read_id(const struct json_doc *doc, const cJSON *id, const char *what,
	char **text, struct err *err)
{
	if (cJSON_IsNumber(id))
		return read_number(doc, id, what, text, err);
	if (!cJSON_IsString(id))
		return json_doc_wrong(doc, id, err,
			"%s.id: expected a number or a string, not %s", what,
			json_kind(id));
	if (id->valuestring[0] == '\0' || strlen(id->valuestring) > WEBHOOK_ROOM_MAX)
		return json_doc_wrong(doc, id, err, "%s.id: expected 1 to %d bytes",
			what, WEBHOOK_ROOM_MAX);
	for (const char *at = id->valuestring; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return json_doc_wrong(doc, id, err,
				"%s.id: control characters are not allowed", what);
	*text = mem_text(id->valuestring);
	return true;
}

/* {"id": ..., "name": "..."} */
static bool read_party(const struct json_doc *doc, const char *key, char **id,
	bool *is_number, struct err *err)
{
	const cJSON *party, *member;

	if (!need(doc, doc->root, "", key, &party, err))
		return false;
	if (!cJSON_IsObject(party))
		return json_doc_wrong(doc, party, err, "%s: expected an object, not %s",
			key, json_kind(party));
	if (!need_text(doc, party, key, "name", &member, err) ||
		!need(doc, party, key, "id", &member, err))
		return false;
	*is_number = cJSON_IsNumber(member);
	return read_id(doc, member, key, id, err);
}

bool webhook_read(struct webhook *webhook, const struct buf *body, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	SCOPED(webhook_done) struct webhook made = {0};
	SCOPED(mem_free) char *creator = NULL;
	const cJSON *content;
	bool ignored;

	if (!json_doc_parse(&doc, "body", buf_text(body), body->len, err))
		return false;
	if (!cJSON_IsObject(doc.root))
		return json_doc_wrong(&doc, doc.root, err, "expected an object, not %s",
			json_kind(doc.root));
	if (!read_party(&doc, "creator", &creator, &ignored, err) ||
		!read_party(&doc, "room", &made.room, &made.room_is_number, err) ||
		!need_text(&doc, doc.root, "", "content", &content, err))
		return false;
	if (content->valuestring[0] == '\0')
		return json_doc_wrong(&doc, content, err, "content: it is empty");
	made.content = mem_text(content->valuestring);
	*webhook = made;
	made = (struct webhook){0};
	return true;
}

void webhook_done(struct webhook *webhook)
{
	free(webhook->room);
	free(webhook->content);
	*webhook = (struct webhook){0};
}
