#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube-fake/selector.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/json_fill.h"

static const struct {
	const char *selector;
	bool matches;
	const char *why;
} labels[] = {
	{"", true, "none matches all"},
	{"app=web", true, "equal"},
	{"app==web,tier!=db", true, "both hold"},
	{"app=web,tier=db", false, "one does not hold"},
	{"app", true, "it is there"},
	{"!app", false, "it is there"},
	{"!zone", true, "it is not there"},
	{"app in (web, api),tier", true, "among"},
	{"app notin (web,api)", false, "among"},
	{"zone notin (a)", true, "what is not there is not among"},
	{"zone!=a", true, "what is not there is not equal"},
};

static void labels_are_selected(void **state UNUSED)
{
	SCOPED(json_free) cJSON *have =
		json_fill(NULL, "{'app': 'web', 'tier': 'front'}");

	for (size_t i = 0; i < COUNT(labels); i++)
		if (selector_matches_labels(labels[i].selector, have) !=
			labels[i].matches)
			fail_msg("%s: %s", labels[i].selector, labels[i].why);
}

static void fields_are_selected(void **state UNUSED)
{
	SCOPED(json_free) cJSON *pod = json_fill(
		NULL, "{'metadata': {'name': 'a'}, 'spec': {'nodeName': 'n1'}}");

	assert_true(selector_matches_fields("metadata.name=a,spec.nodeName=n1", pod));
	assert_false(selector_matches_fields("metadata.name=b", pod));
	assert_false(selector_matches_fields("spec.nodeName!=n1", pod));
	assert_true(selector_matches_fields("status.phase=", pod));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_selected),
		cmocka_unit_test(fields_are_selected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
