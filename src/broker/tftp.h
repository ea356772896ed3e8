/*
 * TFTP read requests: who gets which object, with which options (RFC 1350, 2347 to 2349,
 * 7440). The transfer itself is file-sender's.
 */
#ifndef SALLYPORT_BROKER_TFTP_H
#define SALLYPORT_BROKER_TFTP_H

#include "privsep/chan.h"
#include "src/broker/render.h"

/* Bits of `options` in RRQ_TELL and TFTP_GRANT_TELL. */
enum {
	TFTP_BLKSIZE = 1,
	TFTP_TSIZE = 2,
	TFTP_TIMEOUT = 4,
	TFTP_WINDOWSIZE = 8,
	TFTP_ROLLOVER = 16,
};

void on_rrq_tell(struct chan *from, const struct msg *m, int *fd);
/* An ACK or ERROR that came to port 69: to the mouth that runs the transfer. */
void on_tftp_reply_tell(struct chan *from, const struct msg *m, int *fd);
/* Answers if that is possible now. 0: done. ERR_STATE: the text is not there yet, see
 * *ticket; with `last`, that means not found, or no answer when it is memory. ERR_FULL: the
 * channel is full. */
int tftp_try(
    const struct msg_rrq_tell *m, bool last, struct render_ticket *ticket) MUST_CHECK;
/* Fills in the options of the grant: those asked for, as far as they go and the
 * configuration lets them. mtu: of the link, bytes. */
void tftp_choose_options(
    const struct msg_rrq_tell *m, uint32_t mtu, struct msg_tftp_grant_tell *grant);

#endif
