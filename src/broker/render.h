/*
 * Texts that the verifier renders from an image's signed templates, one for each machine.
 * The broker sends typed slots, whose values come from the configuration and the session,
 * and gets sealed memory. What was rendered is kept (the least recently used one goes)
 * until its image ends; requests that wait for the same text share one ask.
 */
#ifndef SALLYPORT_BROKER_RENDER_H
#define SALLYPORT_BROKER_RENDER_H

#include "privsep/chan.h"
#include "src/broker/image_table.h"

#define RENDER_MAX 1024        /* texts kept and asked for */
#define RENDER_ASKED_MAX 256   /* asked for at once */
#define RENDER_WAIT_MS 3000u   /* for an answer; then there is no such text */
#define RENDER_FAILED_MS 1000u /* before one that could not be rendered is asked again */
#define RENDER_SIZE_MAX 65536u /* bytes of a text */

/* What decides how a text comes out, beside the configuration. */
struct render_key {
	enum template_kind kind;
	enum arch arch;
	uint16_t http_port; /* 0: the machine loads by TFTP */
	bool https;         /* that port speaks HTTPS */
	struct mac mac;
	struct addr client, server;
	const struct conf_host *host; /* of the configuration at hand; NULL: unknown */
};

struct render_text {
	struct object object; /* memory borrowed: valid until the next turn */
	uint64_t modified;    /* seconds since 1970: when it was rendered */
};

/* Says when it is worth asking again: something has become of a text, or of memory that is
 * being fetched. All zero: at any time. */
struct render_ticket {
	const struct render *entry;
	const struct memfd *cold;
	uint64_t serial;
};

void render_init(void);
/* 0 and *text; ERR_ABSENT: there is no such text; or ERR_STATE: not yet, see *ticket. */
int render_get(const struct image *image, const struct render_key *key,
    struct render_text *text, struct render_ticket *ticket) MUST_CHECK;
/* Something has become of it: ask render_get() again. */
bool render_changed(const struct render_ticket *ticket);
/* The image ends, and its texts with it. */
void render_forget(uint64_t image_id);
/* The verifier is gone or new: what it was asked goes to the next one. */
void render_unask(void);
/* Sends what is not sent yet, ends what has waited for too long. Once a turn. */
void render_tick(uint64_t now_ms);
/* Texts that are being waited for. */
unsigned render_asked(void);

/* The verifier's answer. */
void on_render_ans(struct chan *from, const struct msg *m, int *fd);

#endif
