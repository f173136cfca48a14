/*
 * log_writer - writes the lines that a turn of the loop has logged, before the loop waits.
 *
 * For programs in which much happens at once: a system call for each line costs more than
 * the line. They call log_gather(true) as well.
 */
#ifndef LIB_LOG_WRITER_H
#define LIB_LOG_WRITER_H

#include <uv.h>

struct log_writer;

/* Keeps loop, and does not keep it going. Handles that begin to run before each wait (MHD's
 * pump) after this one was created come before it: what they log is written, too. One that
 * is created behind them writes what came before they act, such as sending an answer. */
struct log_writer *log_writer_create(uv_loop_t *loop);

/* The handle closes in the next turn of the loop. Accepts NULL. */
void log_writer_destroy(struct log_writer *writer);

#endif
