/*
 * scenes - what every engine must do, whatever it is made of.
 */
#ifndef HARNESS_ENGINE_TEST_SCENES_H
#define HARNESS_ENGINE_TEST_SCENES_H

/* Runs all of them on the engine with this name, as a group; gives how many failed.
 * An engine that cannot be had is a skip with its reason, or a failure where
 * `required`. */
int scenes_run(const char *engine, int required);

#endif
