/*
 * Default boot scripts. They become part of the image and are signed with it; the server
 * only fills their slots.
 */
#include "src/tools/image_templates.h"

/* EFI kernels fetch their initrds from iPXE by name, hence @{initrdargs}; a BIOS kernel
 * gets them in memory and ignores the arguments. */
static const char ipxe[] = "#!ipxe\n"
			   "# @{image} @{version} for @{mac}\n"
			   "kernel @{base}/@{kernel} @{initrdargs} @{cmdline}\n"
			   "@{initrds}\n"
			   "boot\n";

static const char grub[] = "# @{image} @{version} for @{mac}\n"
			   "set timeout=0\n"
			   "linux @{base}/@{kernel} @{cmdline}\n"
			   "@{initrds}\n"
			   "boot\n";

static const char pxelinux[] = "# @{image} @{version} for @{mac}\n"
			       "DEFAULT image\n"
			       "PROMPT 0\n"
			       "LABEL image\n"
			       "KERNEL @{base}/@{kernel}\n"
			       "@{initrds}\n"
			       "APPEND @{cmdline}\n";

const struct image_template image_templates[TEMPLATE_MAX] = {
    [TEMPLATE_IPXE] = {"templates/boot.ipxe", ipxe},
    [TEMPLATE_GRUB] = {"templates/grub.cfg", grub},
    [TEMPLATE_PXELINUX] = {"templates/pxelinux.cfg", pxelinux},
};
