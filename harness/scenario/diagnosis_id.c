#include "harness/scenario/diagnosis_id.h"

const char *const diagnosis_ids[DIAGNOSES + 1] = {
	[DIAGNOSIS_ANY] = "any",
#define DIAGNOSIS(id, rule, meaning) [DIAGNOSIS_##id] = #id,
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};
