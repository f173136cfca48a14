#include "harness/scenario/diagnosis_id.h"

#include <strings.h>

const char *const diagnosis_ids[DIAGNOSES + 1] = {
	[DIAGNOSIS_ANY] = "any",
#define DIAGNOSIS(id, ...) [DIAGNOSIS_##id] = #id,
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};

static const struct {
	const char *meaning, *proof, *cure, *example;
} texts[DIAGNOSES] = {
	[DIAGNOSIS_ANY] = {"", "", "", ""},
#define DIAGNOSIS(id, rule, ...) [DIAGNOSIS_##id] = {__VA_ARGS__},
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};

enum diagnosis_id diagnosis_find(const char *name)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++) {
		if (strcasecmp(name, diagnosis_ids[id]) == 0)
			return (enum diagnosis_id)id;
	}
	return DIAGNOSIS_ANY;
}

const char *diagnosis_meaning(enum diagnosis_id id)
{
	return texts[id].meaning;
}

const char *diagnosis_proof(enum diagnosis_id id)
{
	return texts[id].proof;
}

const char *diagnosis_cure(enum diagnosis_id id)
{
	return texts[id].cure;
}

const char *diagnosis_example(enum diagnosis_id id)
{
	return texts[id].example;
}
