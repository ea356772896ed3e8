/*
 * The blocks of an object, as bytes or as text.
 */
#ifndef SALLYPORT_FILE_SENDER_TFTP_BLOCKS_H
#define SALLYPORT_FILE_SENDER_TFTP_BLOCKS_H

#include "src/file-sender/tftp_table.h"

#define TFTP_TEXT_WINDOW 64 /* blocks: a text may have to be read again from its start */

/* Writes the blocks of an act that says TFTP_DO_DATA. Of a text, the end is found here. */
void tftp_blocks_write(struct tftp_out *o, struct transfer *tr, struct tftp_owner owner,
    const struct tftp_act *act);

#endif
