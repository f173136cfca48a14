#include "harness/scenario/cause.h"

#include <stddef.h>

const char *const cause_ids[CAUSES + 1] = {
	[CAUSE_ANY] = "any",
	[CAUSE_X10] = "X10",
	[CAUSE_X7] = "X7",
	[CAUSE_X3] = "X3",
	[CAUSE_X6] = "X6",
	[CAUSE_W3] = "W3",
	[CAUSE_W2] = "W2",
	[CAUSE_W6] = "W6",
	[CAUSE_W1] = "W1",
	[CAUSE_H15] = "H15",
	[CAUSE_H2] = "H2",
	[CAUSE_H9] = "H9",
	[CAUSE_H1] = "H1",
	[CAUSE_H3] = "H3",
	[CAUSE_X5] = "X5",
	[CAUSE_X8] = "X8",
	[CAUSE_X9] = "X9",
	[CAUSE_X1] = "X1",
	[CAUSE_X2] = "X2",
	[CAUSE_R1] = "R1",
	[CAUSE_L1] = "L1",
	[CAUSE_Z0] = "Z0",
	[CAUSE_X0] = "X0",
	[CAUSE_L3] = "L3",
};
