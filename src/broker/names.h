/*
 * What a requested name means for one machine. Pure.
 *
 * A machine may ask for the files of its image, as <image>/<path> or as <path> alone: shim
 * and GRUB look beside themselves, and GRUB and old loaders at the root. And for names
 * that stand for a text rendered for this machine, beneath <image>/ or not:
 *
 *   iPXE       boot.ipxe, autoexec.ipxe            at the root, or beside the loader
 *   GRUB       grub.cfg, grub.cfg-<uuid>,          at the root, beside the loader, or in
 *              grub.cfg-01-<mac>,                  grub/ beneath either
 *              grub.cfg-<hex address>
 *   PXELINUX   pxelinux.cfg/default, /<uuid>,      at the root, or beside the loader
 *              /01-<mac>, /<hex address>
 *
 * <mac> and <hex address> are the machine's own, the latter also cut at the end, as the
 * loaders do; another machine's names do not exist. <uuid> is any: loaders do not agree on
 * the order of its bytes, and the text is that of the machine that asks, whatever it calls
 * itself. A signed template wins over a listed file of the same name. Case counts, unless
 * the configuration says otherwise.
 *
 * A Raspberry Pi puts its serial number or its hardware address before the name of a file:
 * <8 hex digits>/<path> or aa-bb-cc-dd-ee-ff/<path>, which is tried as <path> after the
 * whole.
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
	bool any_case; /* letters count as the same in either case */
};

struct names_meaning {
	bool rendered; /* stands for the text of `kind`; paths do not count then */
	enum template_kind kind;
	unsigned npaths; /* in the image, to be tried in order; point into the name */
	const char *paths[4];
};

/* name: folded by the ear, no slash at its ends. */
void names_resolve(
    const struct names_view *view, const char *name, struct names_meaning *meaning);

#endif
