/*
 * What a requested name means for one machine. Pure.
 *
 * A machine may ask for the files of its image, as <image>/<path> or as <path> alone: shim
 * and GRUB look beside themselves, and GRUB and old loaders at the root. And for names
 * that stand for a text rendered for this machine, beneath <image>/ or not:
 *
 *   iPXE       boot.ipxe, autoexec.ipxe            at the root, or beside the loader
 *   GRUB       grub.cfg, grub.cfg-01-<mac>,        at the root, beside the loader, or in
 *              grub.cfg-<hex address>              grub/ beneath either
 *   PXELINUX   pxelinux.cfg/default, /01-<mac>,    at the root, or beside the loader
 *              /<hex address>
 *
 * <mac> and <hex address> are the machine's own, the latter also cut at the end, as the
 * loaders do; another machine's names do not exist. A signed template wins over a listed
 * file of the same name. Case counts.
 */
#ifndef SALLYPORT_BROKER_NAMES_H
#define SALLYPORT_BROKER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/ident.h"
#include "src/broker/image.h"

/* The machine. All borrowed. */
struct names_view {
	const char *image;  /* name of its image */
	const char *loader; /* path in the image; "" when there is none */
	uint8_t templates;  /* bit n: the image has enum template_kind n */
	struct mac mac;
	struct addr client;
};

struct names_meaning {
	bool rendered; /* stands for the text of `kind`; paths do not count then */
	enum template_kind kind;
	unsigned npaths; /* in the image, to be tried in order; point into the name */
	const char *paths[2];
};

/* name: folded by the ear, no slash at its ends. */
void names_resolve(
    const struct names_view *view, const char *name, struct names_meaning *meaning);

#endif
