/*
 * Rendering boot scripts for the broker.
 */
#ifndef SALLYPORT_VERIFIER_RENDER_H
#define SALLYPORT_VERIFIER_RENDER_H

#include "privsep/msg.h"

/* Answers through tell_answer(). Whatever is wrong with the request, or with the template
 * for it, is logged and answered with "no". */
void on_render_ask(const struct msg_render_ask *m);

#endif
