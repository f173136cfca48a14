#include "harness/scenario/diagnosis_id.h"

#include <stddef.h>

const char *const diagnosis_ids[DIAGNOSES + 1] = {
	[DIAGNOSIS_ANY] = "any",
	[DIAGNOSIS_X10] = "X10",
	[DIAGNOSIS_X7] = "X7",
	[DIAGNOSIS_X3] = "X3",
	[DIAGNOSIS_X6] = "X6",
	[DIAGNOSIS_W3] = "W3",
	[DIAGNOSIS_W2] = "W2",
	[DIAGNOSIS_W6] = "W6",
	[DIAGNOSIS_W1] = "W1",
	[DIAGNOSIS_H15] = "H15",
	[DIAGNOSIS_H2] = "H2",
	[DIAGNOSIS_H9] = "H9",
	[DIAGNOSIS_H1] = "H1",
	[DIAGNOSIS_H3] = "H3",
	[DIAGNOSIS_X5] = "X5",
	[DIAGNOSIS_X8] = "X8",
	[DIAGNOSIS_X9] = "X9",
	[DIAGNOSIS_X1] = "X1",
	[DIAGNOSIS_X2] = "X2",
	[DIAGNOSIS_R1] = "R1",
	[DIAGNOSIS_L1] = "L1",
	[DIAGNOSIS_Z0] = "Z0",
	[DIAGNOSIS_X0] = "X0",
	[DIAGNOSIS_L3] = "L3",
};
