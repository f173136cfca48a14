#include "lib/log_writer.h"

#include <stdlib.h>

#include "lib/cc.h"
#include "lib/log.h"
#include "lib/mem.h"

struct log_writer {
	uv_prepare_t turn;
};

static void on_turn(uv_prepare_t *turn UNUSED)
{
	log_flush();
}

/* libuv runs the prepare handle that was started last first. */
struct log_writer *log_writer_create(uv_loop_t *loop)
{
	struct log_writer *writer = mem_zeroed(sizeof *writer);

	uv_prepare_init(loop, &writer->turn);
	writer->turn.data = writer;
	uv_prepare_start(&writer->turn, on_turn);
	uv_unref((uv_handle_t *)&writer->turn);
	return writer;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void log_writer_destroy(struct log_writer *writer)
{
	if (writer)
		uv_close((uv_handle_t *)&writer->turn, on_closed);
}
