#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/mem.h"
#include "service/mcp/jsonrpc_partial.h"

static const struct row {
	const char *text;
	bool answer, has_id;
	int64_t id;
	const char *why;
} rows[] = {
	{"{\"id\":7,\"result\":\"\xff\"}", true, true, 7, "the usual order"},
	{"{\"result\":[[\"\\u0000\"]],\"id\":12}", true, true, 12, "the other one"},
	{" { \"id\" : 7 , \"error\" : {", true, true, 7, "blanks, and cut short"},
	{"{\"result\":{\"id\":9,\"method\":1},\"id\":7}", true, true, 7,
		"only the top counts"},
	{"{\"result\":{\"a\":\"}\\\"}\"},\"id\":7}", true, true, 7,
		"strings are passed over"},
	{"{\"result\":\"id\",\"x\":7}", true, false, 0, "a value is no key"},
	{"{\"result\":{\"a", true, false, 0, "cut before the id"},
	{"{\"id\":7", false, true, 0, "cut in it, and no result"},
	{"{\"result\":1,\"id\":7", true, true, 0, "it may be 70"},
	{"{\"result\":1,\"id\":\"7\"}", true, true, 0, "ours are numbers"},
	{"{\"result\":1,\"id\":7.5}", true, true, 0, "whole ones"},
	{"{\"result\":1,\"id\":99999999999999999999}", true, true, 0, "and small"},
	{"{\"id\":7,\"method\":\"result\",\"params\":\"\xff\"}", false, true, 7,
		"a request"},
	{"{\"id\":7,\"method\":\"x\",\"result\":{}}", false, true, 7, "or both"},
	{"\"result\":1,\"id\":7", false, false, 0, "no object"},
	{"debug: {\"id\":7,\"result\":1}", false, false, 0, "somebody's print"},
	{"[{\"id\":7,\"result\":1}]", false, false, 0, "a batch"},
	{"{}\"id\":7,\"result\":1", false, false, 0, "behind the end"},
	{"{\"result\\", false, false, 0, "cut in an escape"},
	{"{\"result\"", false, false, 0, "cut before the colon"},
	{"{", false, false, 0, "nothing of it"},
	{"", false, false, 0, "nothing"},
};

/* From the heap and to the byte, so that a sanitizer sees who reads too far. */
static struct jsonrpc_partial read_exactly(const char *text)
{
	size_t len = strlen(text);
	char *exact = mem_zeroed(len > 0 ? len : 1);
	struct jsonrpc_partial found;

	memcpy(exact, text, len);
	found = jsonrpc_partial_read(exact, len);
	free(exact);
	return found;
}

static void salvage_tells_whose_answer_it_was(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct jsonrpc_partial found = read_exactly(rows[i].text);

		if (found.answer != rows[i].answer || found.has_id != rows[i].has_id ||
			found.id != rows[i].id)
			fail_msg("%s: %s: answer %d, has_id %d, id %lld", rows[i].text,
				rows[i].why, found.answer, found.has_id,
				(long long)found.id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(salvage_tells_whose_answer_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
