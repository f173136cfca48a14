#include "lib/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"

static void text_is_what_cjson_reads_back(void **state UNUSED)
{
	char bytes[256];
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(json_free) cJSON *node = NULL;
	unsigned len = 0;

	for (unsigned byte = 1; byte < 0x80; byte++)
		bytes[len++] = (char)byte;
	memcpy(bytes + len, "\xc3\xa9 end", sizeof "\xc3\xa9 end");
	json_write_text(&text, bytes);
	node = json_parse(buf_text(&text), text.len);
	assert_string_equal(cJSON_GetStringValue(node), bytes);
}

static void template_has_its_values(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};

	json_write(&text, "{'a':%s,'d':%d,'u':%u,'g':%g,'n':", "say \"hi\"\n\x01", -7,
		7u, 2.5);
	json_write_text(&text, NULL);
	assert_string_equal(buf_text(&text),
		"{\"a\":\"say \\\"hi\\\"\\n\\u0001\",\"d\":-7,\"u\":7,\"g\":2.5,"
		"\"n\":null");
}

static void part_is_escaped_up_to_its_length(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};

	json_write_escaped(&text, "a\"b\"c", 3);
	json_write_escaped(&text, "", 0);
	json_write_escaped(&text, "\\", 1);
	assert_string_equal(buf_text(&text), "a\\\"b\\\\");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_what_cjson_reads_back),
		cmocka_unit_test(template_has_its_values),
		cmocka_unit_test(part_is_escaped_up_to_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
