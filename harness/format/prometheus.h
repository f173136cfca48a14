/*
 * prometheus - results in Prometheus' text format 0.0.4, for node_exporter's textfile
 * collector or a push gateway. Times are medians over the rounds of a case;
 * warm-ups and killed services have none.
 */
#ifndef HARNESS_FORMAT_PROMETHEUS_H
#define HARNESS_FORMAT_PROMETHEUS_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void prometheus_print(FILE *out, const cJSON *results);

#endif
