/*
 * markdown - results as GitHub flavored Markdown, for a step summary or a comment. The first
 * line is the verdict; where all is well there are few others.
 */
#ifndef HARNESS_FORMAT_MARKDOWN_H
#define HARNESS_FORMAT_MARKDOWN_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h. */
void markdown_print(FILE *out, const cJSON *results);

#endif
