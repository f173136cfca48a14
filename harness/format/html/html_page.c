#include "harness/format/html/html_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/format/html/html_case.h"
#include "harness/format/html/html_comparison.h"
#include "harness/format/html/html_curve.h"
#include "harness/format/html/html_text.h"
#include "lib/clock.h"
#include "lib/embed.h"
#include "lib/json.h"
#include "lib/mem.h"

EMBED_TEXT(page_css, "harness/format/html/page.css");
EMBED_TEXT(page_js, "harness/format/html/page.js");

/* Names the page's own style and script to its policy; no text that was written before
 * can know it. */
struct nonce {
	char text[33];
};

static void make_nonce(struct nonce *nonce)
{
	unsigned char bytes[16] = {0};

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(&nonce->text[2 * i], 3, "%02x", bytes[i]);
}

static void add_head(struct buf *page, const struct nonce *nonce, const char *title)
{
	html_addf(page,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
		"&#39;none&#39;; style-src &#39;nonce-%s&#39;; script-src "
		"&#39;nonce-%s&#39;; base-uri &#39;none&#39;; form-action "
		"&#39;none&#39;\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, "
		"initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<title>%s</title>\n<style nonce=\"%s\">\n",
		nonce->text, nonce->text, title, nonce->text);
	buf_adds(page, page_css);
	buf_adds(page, "</style></head>\n<body>\n");
}

/* --- the run --- */

static int64_t counted(const cJSON *results, const char *what)
{
	return json_int(json_get(results, "summary"), what, 0);
}

/* "3 of 12 cases are not as expected", or NULL: there is one case, which speaks for
 * itself. */
static char *run_sentence(const cJSON *results)
{
	int64_t cases = counted(results, "cases"), unmet = counted(results, "unmet");
	int64_t not_run = counted(results, "not_run");

	if (cJSON_GetArraySize(json_get(results, "cases")) == 1)
		return NULL;
	if (unmet == 0 && not_run == 0)
		return cases == 2 ? mem_text("Both cases are as expected.")
				  : mem_textf("All %lld cases are as expected.",
					    (long long)cases);
	return mem_textf("%lld of %lld cases %s not as expected%s.", (long long)unmet,
		(long long)cases, unmet == 1 ? "is" : "are",
		not_run ? ", and some could not run" : "");
}

static void add_run(struct buf *page, const cJSON *results)
{
	const cJSON *host = json_get(results, "host");
	SCOPED(mem_free) char *sentence = run_sentence(results);

	html_addf(page,
		"<header><p class=\"brand\">stopbench</p><p class=\"run\">%s &middot; engine "
		"%s &middot; Linux %s %s, %d processors &middot; seed %s</p>",
		json_text(results, "started"),
		json_text(json_get(results, "engine"), "engine"),
		json_text(host, "kernel"), json_text(host, "machine"),
		(int)json_int(host, "cpus", 0), json_text(results, "seed"));
	if (sentence)
		html_addf(page, "<h1>%s</h1>", sentence);
	buf_adds(page, "</header>\n");
}

/* --- its cases --- */

/* One round of a case is enough where all went well. */
static bool is_shown(const cJSON *round)
{
	return json_int(round, "round", 1) == 1 || !json_bool(round, "met", false);
}

/* Those that are not as expected first: 0, then 1 for what could not run. */
static int gravity(const cJSON *round)
{
	if (!json_bool(round, "could_run", true))
		return 1;
	return json_bool(round, "met", false) ? 2 : 0;
}

static void add_index_row(struct buf *page, const cJSON *round, unsigned number)
{
	SCOPED(mem_free) char *title = html_case_title(round);
	const char *verdict = json_text(round, "verdict");
	int64_t stop_ns = json_int(round, "stop_ns", -1);
	int64_t margin_ns = json_int(round, "margin_ns", 0);
	SCOPED(mem_free) char *held_up = html_case_held_up(round);
	const char *what = json_text(json_get(round, "held_up_by"), "what");

	html_addf(page,
		"<tr class=\"%s\"><td><span class=\"dot %s\"></span>%s<td><a "
		"href=\"#case-%u\">%s</a><td class=\"n\">%s<td class=\"n\">%s<td>%s%s%s\n",
		gravity(round) == 2 ? "met" : "unmet", html_case_tone(round), verdict,
		number, title, stop_ns >= 0 ? CLOCK_TEXT(stop_ns) : "-",
		stop_ns >= 0 && margin_ns > 0 ? CLOCK_TEXT(margin_ns) : "-", held_up,
		what ? ": " : "", what);
}

static void add_index(struct buf *page, const cJSON *cases)
{
	const cJSON *round;
	unsigned more = 0;

	if (cJSON_GetArraySize(cases) < 2)
		return;
	buf_adds(page,
		"<div class=\"scroll\"><table class=\"index\"><thead><tr><th>verdict"
		"<th>case<th class=\"n\">stop<th class=\"n\">margin<th>held up by</thead>"
		"<tbody>\n");
	for (int grave = 0; grave <= 2; grave++) {
		unsigned number = 0;

		cJSON_ArrayForEach(round, cases) {
			number++;
			if (gravity(round) == grave && is_shown(round))
				add_index_row(page, round, number);
		}
	}
	buf_adds(page, "</tbody></table></div>\n");
	cJSON_ArrayForEach(round, cases)
		more += !is_shown(round);
	if (more > 0)
		html_addf(page,
			"<p class=\"note\">%u further rounds were as expected, and are not "
			"shown.</p>",
			more);
}

/* The first one is open, so that the page shows a picture at once. */
static void add_cases(struct buf *page, const cJSON *cases)
{
	bool open = true;

	for (int grave = 0; grave <= 2; grave++) {
		const cJSON *round;
		unsigned number = 0;

		cJSON_ArrayForEach(round, cases) {
			number++;
			if (gravity(round) != grave || !is_shown(round))
				continue;
			html_case_add(page, round, number, open);
			open = false;
		}
	}
}

static char *page_title(const cJSON *results)
{
	SCOPED(mem_free) char *sentence = run_sentence(results);
	const cJSON *first = json_get(results, "cases")->child;
	SCOPED(mem_free) char *one = first ? html_case_sentence(first) : NULL;

	return mem_textf("%s - stopbench", sentence ? sentence : one ? one : "no case");
}

void html_page_print(FILE *out, const cJSON *results)
{
	SCOPED(buf_done) struct buf page = {.ceiling = SIZE_MAX};
	SCOPED(mem_free) char *title = page_title(results);
	const cJSON *cases = json_get(results, "cases");
	struct nonce nonce;

	make_nonce(&nonce);
	add_head(&page, &nonce, title);
	add_run(&page, results);
	buf_adds(&page, "<main>\n");
	html_comparison_add(&page, results);
	add_index(&page, cases);
	html_curves_add(&page, results);
	add_cases(&page, cases);
	html_addf(&page, "</main>\n<script nonce=\"%s\">\n", nonce.text);
	buf_adds(&page, page_js);
	buf_adds(&page, "</script>\n</body></html>\n");
	fwrite(buf_text(&page), 1, page.len, out);
}
