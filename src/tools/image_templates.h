/*
 * The templates that sallyport-image puts into an image that brings none of its own.
 */
#ifndef SALLYPORT_TOOLS_IMAGE_TEMPLATES_H
#define SALLYPORT_TOOLS_IMAGE_TEMPLATES_H

#include "policy/manifest.h"

struct image_template {
	const char *path; /* in the image */
	const char *text;
};

extern const struct image_template image_templates[TEMPLATE_MAX];

#endif
