/*
 * ledger_reader - the harness's end of the ledger: it accepts lifelines and keeps the
 * events that come over them, in the order of their arrival.
 *
 * It has one descriptor to wait for, whatever loop the test has.
 */
#ifndef TEST_SUPPORT_LEDGER_READER_H
#define TEST_SUPPORT_LEDGER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

struct ledger_reader;

/* Listens at this path. */
struct ledger_reader *ledger_reader_create(const char *path);
void ledger_reader_destroy(struct ledger_reader *reader);

/* Readable when ledger_reader_turn() has something to do. */
int ledger_reader_fd(const struct ledger_reader *reader);
/* Waits up to timeout_ms and reads what has come. False: nothing came. */
bool ledger_reader_turn(struct ledger_reader *reader, int timeout_ms);

/* For lines_init(), with the reader as arg: adds an event that came by another way. With
 * LEDGER_PRINT in the environment, every event is printed to stderr. */
void ledger_reader_add(void *reader, char *line, size_t len, bool cut);
void ledger_reader_clear(struct ledger_reader *reader);
void ledger_reader_print(const struct ledger_reader *reader); /* to stderr */

/* What is found is borrowed until ledger_reader_clear(). All count from 1. */

/* The nth event of that name, from that process unless pid is 0; NULL: it has not come. */
const cJSON *ledger_reader_find(
	const struct ledger_reader *reader, pid_t pid, const char *name, unsigned nth);
/* How many of that name have this text or number in member `key`; key NULL: of all. */
unsigned ledger_reader_count(const struct ledger_reader *reader, const char *name,
	const char *key, const char *value);
/* How many events there are. */
unsigned ledger_reader_total(const struct ledger_reader *reader);
/* The nth line that contains text, or NULL. */
const char *ledger_reader_line(
	const struct ledger_reader *reader, const char *text, unsigned nth);
/* Waits for the first line that contains text, behind the one that the last call gave. */
const char *ledger_reader_next(struct ledger_reader *reader, const char *text);

/* Is a lifeline of that process open? pid 0: of any process. */
bool ledger_reader_is_open(const struct ledger_reader *reader, pid_t pid);
/* SIGKILL to every process with an open lifeline. */
void ledger_reader_kill_peers(const struct ledger_reader *reader);
/* Closes the listener and all lifelines. The events stay. */
void ledger_reader_close(struct ledger_reader *reader);

#endif
