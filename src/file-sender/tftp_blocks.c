/*
 * What goes into blocks, in file-sender: signed bytes, which nothing here interprets. A
 * text grows on its way, so that where a block begins is known only from the one before:
 * kept are the places of the window's first block and of the next one to be written.
 */
#include "src/file-sender/tftp_blocks.h"

#include <stddef.h>

static const uint8_t *
source(const struct transfer *tr)
{
	static const uint8_t nothing[1];

	return tr->object->map == NULL ? nothing : tr->object->map + tr->offset;
}

static void
write_bytes(struct tftp_out *o, struct transfer *tr, const struct tftp_act *act)
{
	const uint8_t *data = source(tr);
	uint64_t end = act->first + act->count;

	for (uint64_t b = act->first; b < end; b++)
		tftp_out_block(o, tftp_xfer_number(&tr->x, b),
		    data + (b - 1) * tr->x.terms.blksize, tftp_xfer_block_len(&tr->x, b));
}

/* Where this block begins; it is in the window. */
static void
seek(struct transfer *tr, uint64_t block)
{
	uint64_t length = tr->x.terms.length;

	if (tr->write.block != block) {
		tr->write = tr->base;
		netascii_skip(&tr->write.at, source(tr), length,
		    (block - tr->base.block) * tr->x.terms.blksize);
		tr->write.block = block;
	}
	if (block == tr->x.acked + 1)
		tr->base = tr->write;
}

static void
write_text(struct tftp_out *o, struct transfer *tr, const struct tftp_act *act)
{
	uint32_t blksize = tr->x.terms.blksize;

	seek(tr, act->first);
	for (uint32_t i = 0; i < act->count; i++) {
		uint8_t *room = tftp_out_room(o, blksize);
		size_t len = netascii_fill(
		    &tr->write.at, source(tr), tr->x.terms.length, room, blksize);
		uint64_t block = tr->write.block++;

		tftp_out_block(o, tftp_xfer_number(&tr->x, block), room, (uint32_t)len);
		if (len < blksize) {
			tftp_xfer_ends(&tr->x, block);
			return;
		}
	}
}

void
tftp_blocks_write(struct tftp_out *o, struct transfer *tr, struct tftp_owner owner,
    const struct tftp_act *act)
{
	tftp_out_begin(o, &tr->path, owner, act->first, !tr->uncut);
	if (tr->text)
		write_text(o, tr, act);
	else
		write_bytes(o, tr, act);
}
