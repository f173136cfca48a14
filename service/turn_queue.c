#include "service/turn_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct turn {
	struct turn_queue *turns;
	struct turn *prev, *next;
	char *text;
	turn_done_fn *done; /* NULL: forgotten */
	void *arg;
	int64_t began_ns;
};

static struct turn *take_waiting(struct turn_queue *turns, struct turn *turn)
{
	DL_DELETE(turns->waiting, turn);
	turns->waiting_count--;
	return turn;
}

static void free_turn(struct turn *turn)
{
	free(turn->text);
	free(turn);
}

static void finish_turn(struct turn *turn, enum turn_end end, const char *text)
{
	turn->turns->metrics->turns[end]++;
	if (turn->done)
		turn->done(turn->arg, end, text);
	free_turn(turn);
}

void turn_forget(struct turn *turn)
{
	struct turn_queue *turns = turn->turns;

	turn->done = NULL;
	if (turn == turns->running)
		return;
	free_turn(take_waiting(turns, turn));
	turns->dropped(turns->arg);
}

void turn_queue_done(struct turn_queue *turns)
{
	if (turns->running)
		free_turn(turns->running);
	while (turns->waiting)
		free_turn(take_waiting(turns, turns->waiting));
	turns->running = NULL;
}

struct turn *turn_queue_add(
	struct turn_queue *turns, const char *text, turn_done_fn *done, void *arg)
{
	struct turn *turn = mem_zeroed(sizeof *turn);

	turn->turns = turns;
	turn->text = mem_text(text);
	turn->done = done;
	turn->arg = arg;
	DL_APPEND(turns->waiting, turn);
	turns->waiting_count++;
	return turn;
}

const char *turn_queue_begin(struct turn_queue *turns)
{
	assert(!turns->running && turns->waiting);
	turns->running = take_waiting(turns, turns->waiting);
	turns->running->began_ns = clock_now();
	return turns->running->text;
}

void turn_queue_end(struct turn_queue *turns, enum turn_end end, const char *text)
{
	struct turn *turn = turns->running;

	turns->running = NULL;
	turns->metrics->turns_ns += clock_now() - turn->began_ns;
	finish_turn(turn, end, text);
}

void turn_queue_drop(struct turn_queue *turns, enum turn_end end, const char *text)
{
	while (turns->waiting)
		finish_turn(take_waiting(turns, turns->waiting), end, text);
}
