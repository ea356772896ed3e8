/*
 * Broker: which message of the file half goes to which handler, and what happens to the
 * rest of us when a neighbour ends.
 */
#include "src/broker/files.h"

#include "src/base/hash.h"
#include "src/broker/broker.h"
#include "src/broker/fetch.h"
#include "src/broker/http.h"
#include "src/broker/image_table.h"
#include "src/broker/intake.h"
#include "src/broker/memfd.h"
#include "src/broker/render.h"
#include "src/broker/tftp.h"
#include "src/broker/wait.h"

struct route {
	enum msg_nr nr;
	enum role from;
	void (*handle)(struct chan *from, const struct msg *m, int *fd);
};

static const struct route routes[] = {
    {MSG_RRQ_TELL, ROLE_TFTP_PARSER, on_rrq_tell},
    {MSG_TFTP_REPLY_TELL, ROLE_TFTP_PARSER, on_tftp_reply_tell},
    {MSG_GET_TELL, ROLE_HTTP_PARSER, on_get_tell},
    {MSG_BAD_TELL, ROLE_HTTP_PARSER, on_bad_tell},
    {MSG_CONN_TELL, ROLE_FILE_SENDER, on_conn_tell},
    {MSG_END_TELL, ROLE_FILE_SENDER, on_end_tell},
    {MSG_CLIENT_TELL, ROLE_TLS, on_client_tell},
    {MSG_RESET_TELL, ROLE_FILE_SENDER, on_sender_reset_tell},
    {MSG_RESET_TELL, ROLE_VERIFIER, on_verifier_reset_tell},
    {MSG_MEMFD_TELL, ROLE_VERIFIER, on_memfd_tell},
    {MSG_DROP_TELL, ROLE_VERIFIER, on_drop_tell},
    {MSG_OBJECT_TELL, ROLE_VERIFIER, on_object_tell},
    {MSG_EVICT_TELL, ROLE_VERIFIER, on_evict_tell},
    {MSG_FETCH_ANS, ROLE_VERIFIER, on_fetch_ans},
    {MSG_MEMORY_TELL, ROLE_VERIFIER, on_memory_tell},
    {MSG_CLOSED_TELL, ROLE_FILE_SENDER, on_closed_tell},
    {MSG_IMAGE_TELL, ROLE_VERIFIER, on_image_tell},
    {MSG_FILE_TELL, ROLE_VERIFIER, on_file_tell},
    {MSG_BOOT_TELL, ROLE_VERIFIER, on_boot_tell},
    {MSG_ACTIVE_TELL, ROLE_VERIFIER, on_active_tell},
    {MSG_RETIRE_TELL, ROLE_VERIFIER, on_retire_tell},
    {MSG_LOOKED_TELL, ROLE_VERIFIER, on_looked_tell},
    {MSG_RENDER_ANS, ROLE_VERIFIER, on_render_ans},
};

void
files_init(void)
{
	render_init();
	image_init();
	memfd_init();
	fetch_init();
	intake_init();
	wait_init();
	http_init();
}

static void
send_reset(struct chan *c)
{
	struct msg m = {.nr = MSG_RESET_TELL};

	m.u.reset_tell.generation = broker.start.generation;
	if (chan_send(c, &m) != 0)
		bug("no room for the first message");
}

void
files_start(void)
{
	send_reset(&broker.verifier);
	for (unsigned i = 0; i < broker.start.workers; i++)
		send_reset(&broker.file_sender[i]);
}

bool
files_dispatch(struct chan *from, const struct msg *m, int *fd)
{
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (routes[i].nr != m->nr || routes[i].from != from->peer)
			continue;
		routes[i].handle(from, m, fd);
		return true;
	}
	return false;
}

bool
files_may_read(unsigned worker)
{
	const struct chan *mouth = &broker.file_sender[worker];

	return chan_room(mouth, 1) && !mouth->breached && wait_room(worker);
}

void
files_turn(void)
{
	render_tick(broker.now_ms);
	wait_turn(broker.now_ms);
	memfd_sweep();
	fetch_turn(broker.now_ms);
	intake_tick(broker.now_ms);
}

int
files_timeout(void)
{
	if (wait_more())
		return 0;
	return wait_count() > 0 || render_asked() > 0 ? 100 : 1000;
}

void
files_gone(enum role role, unsigned index)
{
	switch (role) {
	case ROLE_VERIFIER:
		intake_gone();
		send_reset(&broker.verifier);
		break;
	case ROLE_FILE_SENDER:
		http_forget(index);
		memfd_forget(index);
		send_reset(&broker.file_sender[index]);
		break;
	/* Its file-sender closes the connections that wait for an answer. */
	case ROLE_HTTP_PARSER: wait_forget(index); break;
	default: break;
	}
}
