#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/mcp/mcp_result.h"

#define TEXT(words) "{'type':'text','text':'" words "'}"

/* With ' for ". */
static const struct row {
	const char *result;
	const char *blocks; /* NULL: none */
	const char *why;
} rows[] = {
	{"{'content':[" TEXT("a") "]}", "[" TEXT("a") "]", "a text"},
	{"{'content':[" TEXT("a") "," TEXT("b") "]}", "[" TEXT("a\\nb") "]",
		"texts are joined"},
	{"{'content':[]}", "[]", "nothing to tell is no empty text"},
	{"{'content':[" TEXT("") "]}", "[]", "nor is an empty text"},
	{"{}", NULL, "no result at all"},
	{"{'content':'a'}", NULL, "nor this"},
	{"{'content':[" TEXT("a") ",{'type':'image','data':'AA==','mimeType':"
				  "'image/png'}," TEXT("b") "]}",
		"[" TEXT("a") ",{'type':'image','source':{'type':'base64','media_type':"
			      "'image/png','data':'AA=='}}," TEXT("b") "]",
		"an image keeps its place"},
	{"{'content':[{'type':'image','data':'AA==','mimeType':'image/bmp'}]}",
		"[" TEXT("[image image/bmp, not shown]") "]",
		"one that the API does not take would cost the turn"},
	{"{'content':[{'type':'image','data':'','mimeType':'image/png'}]}",
		"[" TEXT("[image image/png, not shown]") "]", "so would an empty one"},
	{"{'content':[{'type':'audio','data':'AA==','mimeType':'audio/wav'}]}",
		"[" TEXT("[audio audio/wav, not shown]") "]", "nobody hears it"},
	{"{'content':[{'type':'resource','resource':{'uri':'a:b','text':'c'}}]}",
		"[" TEXT("c") "]", "a resource that is text"},
	{"{'content':[{'type':'resource','resource':{'uri':'a:b','blob':'AA=='}}]}",
		"[" TEXT("[resource a:b, not shown]") "]", "and one that is not"},
	{"{'content':[{'type':'resource_link','uri':'a:b','mimeType':'c/d'}]}",
		"[" TEXT("[resource_link a:b c/d, not shown]") "]", "a link"},
	{"{'content':[7,{}]}", "[" TEXT("[part, not shown]\\n[part, not shown]") "]",
		"parts that make no sense"},
	{"{'content':[],'structuredContent':{'a':[1]}}",
		"[{'type':'text','text':'{\\'a\\':[1]}'}]", "structured content"},
	{"{'structuredContent':{'a':1}}", "[{'type':'text','text':'{\\'a\\':1}'}]",
		"without the other as well"},
	{"{'content':[" TEXT("a is 1") "],'structuredContent':{'a':1}}",
		"[" TEXT("a is 1") "]", "the text says the same already"},
};

static char *quoted(const char *text)
{
	char *copy = mem_text(text);

	for (char *at = copy; (at = strchr(at, '\'')); at++)
		*at = '"';
	return copy;
}

static void result_becomes_what_the_table_says(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *text = quoted(rows[i].result);
		SCOPED(mem_free) char *expected =
			rows[i].blocks ? quoted(rows[i].blocks) : NULL;
		SCOPED(json_free) cJSON *result = json_parse(text, strlen(text));
		SCOPED(json_free) cJSON *blocks = mcp_result_blocks(result);
		SCOPED(mem_free) char *got = blocks ? json_print(blocks) : NULL;

		assert_non_null(result);
		if (!got != !expected || (got && strcmp(got, expected) != 0))
			fail_msg("%s: got %s", rows[i].why, got ? got : "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result_becomes_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
