/*
 * scenes - tests that every engine must pass.
 */
#ifndef HARNESS_ENGINE_TEST_SCENES_H
#define HARNESS_ENGINE_TEST_SCENES_H

/* Runs them on the named engine and gives how many failed. An engine that cannot be had
 * is a skip with the reason, or a failure where `required`. */
int scenes_run(const char *engine, int required);

#endif
