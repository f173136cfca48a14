/*
 * rollout_up - everything that a rollout needs, from its start until every task answers, and
 * its removal.
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_UP_H
#define HARNESS_ROLLOUT_ROLLOUT_UP_H

#include "harness/rollout/rollout_state.h"

/* The mock agent API, the balancer, the witnesses, the service. False: there is trouble. */
bool rollout_up(struct rollout_state *state) MUST_CHECK;
/* Every task runs and has answered on its port. False: there is trouble. */
bool rollout_await_ready(struct rollout_state *state) MUST_CHECK;
/* Brings down what is up. */
void rollout_down(struct rollout_state *state);

/* Service discovery: tells the balancer what the orchestrator wants to run. arg: the state. */
void rollout_balance(void *arg);
/* Keeps a stop, and takes what it holds. arg: the state. */
void rollout_add_stop(void *arg, struct task_stop *stop);

#endif
