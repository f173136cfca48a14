/*
 * diagnosis_id - the ids that a diagnosis can have, in the order of diagnoses.def.
 */
#ifndef HARNESS_SCENARIO_DIAGNOSIS_ID_H
#define HARNESS_SCENARIO_DIAGNOSIS_ID_H

enum diagnosis_id {
	DIAGNOSIS_ANY, /* what a scenario expects that names none */
#define DIAGNOSIS(id, rule, meaning) DIAGNOSIS_##id,
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
	DIAGNOSES,
};

/* "H2", in the order of the enum, "any" first, NULL-terminated (lib/fields.h). */
extern const char *const diagnosis_ids[DIAGNOSES + 1];

#endif
