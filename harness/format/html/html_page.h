/*
 * html_page - the results of a run as one HTML file: no network, readable without script,
 * light and dark, on paper and on a telephone.
 *
 * What a service wrote is text on it and nothing else: every text is escaped, and the
 * page's own policy runs no script and no style but its own.
 */
#ifndef HARNESS_FORMAT_HTML_HTML_PAGE_H
#define HARNESS_FORMAT_HTML_HTML_PAGE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h; rounds with a picture are drawn. */
void html_page_print(FILE *out, const cJSON *results);

#endif
