/*
 * diagnosis_id - the ids that a diagnosis can have, in the order of diagnoses.def, and
 * what that file says of each.
 */
#ifndef HARNESS_SCENARIO_DIAGNOSIS_ID_H
#define HARNESS_SCENARIO_DIAGNOSIS_ID_H

enum diagnosis_id {
	DIAGNOSIS_ANY, /* what a scenario expects that names none */
#define DIAGNOSIS(id, ...) DIAGNOSIS_##id,
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
	DIAGNOSES,
};

/* "H2", in the order of the enum, "any" first, NULL-terminated (lib/fields.h). */
extern const char *const diagnosis_ids[DIAGNOSES + 1];

/* The id with this name ("H2", "h2"); DIAGNOSIS_ANY: there is none. */
enum diagnosis_id diagnosis_find(const char *name);

/* In words, for one of diagnoses.def: what it says, what it rests on, what to change
 * ("": nothing is to be cured), and its sentence about a real stop. */
const char *diagnosis_meaning(enum diagnosis_id id);
const char *diagnosis_proof(enum diagnosis_id id);
const char *diagnosis_cure(enum diagnosis_id id);
const char *diagnosis_example(enum diagnosis_id id);

#endif
