#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube-fake/patch.h"
#include "lib/cc.h"
#include "lib/json.h"

#define JSON_PATCH "application/json-patch+json"
#define MERGE      "application/merge-patch+json"
#define STRATEGIC  "application/strategic-merge-patch+json"

static const struct {
	const char *type, *target, *patch;
	const char *result; /* NULL: refused */
	const char *why;
} rows[] = {
	{MERGE, "{'a':1,'b':{'c':2}}", "{'a':null,'b':{'d':3}}", "{'b':{'c':2,'d':3}}",
		"null deletes, objects are merged"},
	{MERGE, "{'f':['x','y']}", "{'f':['z']}", "{'f':['z']}", "a list is replaced"},
	{STRATEGIC, "{'finalizers':['a','b']}", "{'finalizers':['c','a']}",
		"{'finalizers':['a','b','c']}", "finalizers are merged"},
	{STRATEGIC, "{'finalizers':['a','b']}",
		"{'$deleteFromPrimitiveList/finalizers':['a']}", "{'finalizers':['b']}",
		"one of them is taken off"},
	{STRATEGIC,
		"{'containers':[{'name':'a','image':'1'},{'name':'b','image':'2'}]}",
		"{'containers':[{'name':'b','image':'3'}]}",
		"{'containers':[{'name':'a','image':'1'},{'name':'b','image':'3'}]}",
		"containers are merged by name"},
	{STRATEGIC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		"{'$setElementOrder/containers':[{'name':'b'}],'containers':[{'$patch':"
		"'delete','name':'a'}]}",
		"{'containers':[{'name':'b'}]}",
		"one is deleted, as kubectl apply does"},
	{STRATEGIC, "{'strategy':{'type':'RollingUpdate','rollingUpdate':{}}}",
		"{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}",
		"{'strategy':{'type':'Recreate'}}", "keys of another type go"},
	{STRATEGIC, "{'args':['a']}", "{'args':['b']}", "{'args':['b']}",
		"a list without a merge key is replaced"},
	{JSON_PATCH, "{'f':['a','b']}",
		"[{'op':'test','path':'/f/0','value':'a'},{'op':'remove','path':'/f/0'}]",
		"{'f':['b']}", "a test that holds, then a removal"},
	{JSON_PATCH, "{'f':['b']}",
		"[{'op':'test','path':'/f/0','value':'a'},{'op':'remove','path':'/f/0'}]",
		NULL, "a test that does not hold"},
	{JSON_PATCH, "{'m':{}}", "[{'op':'add','path':'/m/a~1b','value':1}]",
		"{'m':{'a/b':1}}", "~1 is a slash"},
	{JSON_PATCH, "{'f':[1,3]}", "[{'op':'add','path':'/f/1','value':2}]",
		"{'f':[1,2,3]}", "a value is inserted"},
	{JSON_PATCH, "{}", "[{'op':'remove','path':'/x'}]", NULL, "nothing to remove"},
	{MERGE, "{}", "[1]", NULL, "a patch that is no object"},
};

static cJSON *quoted(const char *text)
{
	char copy[512];
	size_t i = 0;

	for (; text[i] && i < sizeof copy - 1; i++)
		copy[i] = text[i];
	copy[i] = '\0';
	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return json_parse(copy, i);
}

static void patches_do_what_their_kind_says(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		SCOPED(json_free) cJSON *target = quoted(rows[i].target);
		SCOPED(json_free) cJSON *patch = quoted(rows[i].patch);
		SCOPED(json_free) cJSON *result =
			rows[i].result ? quoted(rows[i].result) : NULL;
		struct err err = {0};
		bool ok = patch_apply(target, rows[i].type, patch, &err);

		if (ok != (result != NULL) ||
			(ok && !cJSON_Compare(target, result, true)))
			fail_msg("%s: %s %s", rows[i].why,
				cJSON_PrintUnformatted(target), err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patches_do_what_their_kind_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
