/*
 * diagnose_hang - what a service that received its stop signal was still waiting for.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_HANG_H
#define HARNESS_JUDGE_DIAGNOSE_HANG_H

#include "harness/judge/diagnose.h"

rule_fn hang_longer_grace; /* H15 */
rule_fn hang_sequential;   /* H2 */
rule_fn hang_turns;        /* H9 */
rule_fn hang_agent;        /* H1 */
rule_fn hang_mcp;          /* H3 */

#endif
