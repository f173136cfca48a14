#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/event.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"

static struct event read_event(const char *line)
{
	SCOPED(json_free) cJSON *json = json_parse(line, strlen(line));
	size_t size;

	assert_non_null(json);
	return (struct event){.members = event_pack(json, &size)};
}

static void members_are_read_by_their_type(void **state UNUSED)
{
	struct event event =
		read_event("{\"event\":\"x\",\"room\":\"7\",\"empty\":\"\","
			   "\"pid\":-3,\"half\":0.5,\"cli\":true,"
			   "\"no\":false,\"none\":null,\"list\":[1]}");

	assert_string_equal(event_text(&event, "room"), "7");
	assert_string_equal(event_text(&event, "empty"), "");
	assert_null(event_text(&event, "pid"));
	assert_null(event_text(&event, "none"));
	assert_null(event_text(&event, "list"));
	assert_null(event_text(&event, "absent"));
	assert_int_equal(event_int(&event, "pid", 5), -3);
	assert_int_equal(event_int(&event, "half", 5), 5);
	assert_int_equal(event_int(&event, "room", 5), 5);
	assert_true(event_bool(&event, "cli", false));
	assert_false(event_bool(&event, "no", true));
	assert_true(event_bool(&event, "room", true));
	free(event.members);
}

static void the_first_of_two_members_counts(void **state UNUSED)
{
	struct event event = read_event("{\"id\":\"a\",\"id\":\"b\"}");

	assert_string_equal(event_text(&event, "id"), "a");
	free(event.members);
}

static void the_object_comes_back(void **state UNUSED)
{
	static const char line[] =
		"{\"ns\":1999999700000000,\"text\":\"a \\\"b\\\"\",\"none\":null,"
		"\"cli\":true,\"no\":false,\"half\":0.5,\"of\":{\"a\":[1,\"2\"]}}";
	struct event event = read_event(line);
	SCOPED(json_free) cJSON *json = event_json(&event);
	SCOPED(mem_free) char *text = json_print(json);

	assert_string_equal(text, line);
	free(event.members);
}

static void an_object_without_members_has_none(void **state UNUSED)
{
	struct event event = read_event("{}");
	struct event_member member = {0};

	assert_false(event_next(&event, &member));
	assert_null(event_text(&event, "id"));
	free(event.members);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_read_by_their_type),
		cmocka_unit_test(the_first_of_two_members_counts),
		cmocka_unit_test(the_object_comes_back),
		cmocka_unit_test(an_object_without_members_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
