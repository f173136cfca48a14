/*
 * pairs - rounds of BASE and NEW in turn, until each case is settled.
 *
 * A pair is a round of each, one right after the other; which comes first alternates from
 * pair to pair, so that a drift of the host does not favour either. The cases take turns
 * as well. More pairs are added to the cases that are not settled yet, up to the gate's
 * last look (gate.h).
 */
#ifndef HARNESS_CAMPAIGN_PAIRS_H
#define HARNESS_CAMPAIGN_PAIRS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "harness/campaign/side.h"

struct pairs {
	struct side *base, *new; /* the owner's, of equal plans */
	unsigned *cases;         /* their places in the plan, owned */
	unsigned *made;          /* pairs of each, owned */
	unsigned count;
};

void pairs_add_case(struct pairs *pairs, unsigned index);
void pairs_done(struct pairs *pairs);

/* Adds those of the first look. */
void pairs_begin(struct pairs *pairs, struct rounds *rounds);

/* Adds those of the next look, of the cases that `comparison`, the JSON of comparison.h,
 * has not settled. False: there are none. */
bool pairs_go_on(struct pairs *pairs, struct rounds *rounds, const cJSON *comparison);

#endif
