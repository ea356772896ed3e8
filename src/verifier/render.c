/*
 * The handler of RENDER_ASK. The broker may be owned: what it asks for is looked up among
 * the verified images, and its values are held to their types by policy/template.c.
 */
#include "src/verifier/render.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/template.h"
#include "src/base/log.h"
#include "src/verifier/hasher.h"
#include "src/verifier/image.h"
#include "src/verifier/tell.h"

static char script[TEMPLATE_SIZE_MAX];

static void
complain(const struct msg_render_ask *m, const struct image *image, const char *why,
    const struct text_error *error)
{
	char mac[MAC_TEXT_MAX];

	log_limited(LOG_ERROR, "render-failed",
	    "image=%s version=%" PRIu64 " template=%s arch=%s mac=%s line=%u column=%u "
	    "why=\"%s\"",
	    image == NULL ? "-" : image->m.name, image == NULL ? 0 : image->m.version,
	    template_kind_name((enum template_kind)m->kind), arch_name((enum arch)m->arch),
	    mac_format(&m->mac, mac), error->line, error->column,
	    why == NULL ? error->what : why);
}

static const char *
check_ask(const struct msg_render_ask *m, const struct image *image)
{
	if (image == NULL)
		return "no such image is served";
	if (m->kind >= TEMPLATE_MAX)
		return "no such kind of template";
	if (image->texts[m->kind] == NULL)
		return "the image has no such template";
	if (manifest_boot_for(&image->m, (enum arch)m->arch) == NULL)
		return "the image has nothing for this architecture";
	if (addr_is_unset(&m->client) || addr_is_unset(&m->server))
		return "an address is missing";
	return NULL;
}

/* A sealed memfd with these bytes, or -1. */
static int
seal(const char *bytes, size_t len)
{
	int fd = memfd_create("script", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (pwrite(fd, bytes, len, 0) != (ssize_t)len ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Renders into `script`. 0 with the length, or an error with *why or *error. */
static int
render(const struct msg_render_ask *m, const struct image *image, size_t *len,
    const char **why, struct text_error *error)
{
	struct template_values values = {
	    .kind = (enum template_kind)m->kind,
	    .mac = m->mac,
	    .client = m->client,
	    .server = m->server,
	    .http_port = m->http_port,
	    .https = m->https != 0,
	    .host = m->host,
	    .params = (const char *)m->params.b,
	    .params_len = m->params.len,
	};
	int err;

	*why = check_ask(m, image);
	if (*why != NULL)
		return ERR_DENIED;
	values.manifest = &image->m;
	values.boot = manifest_boot_for(&image->m, (enum arch)m->arch);
	err = template_render(image->texts[m->kind], image->text_lens[m->kind], &values,
	    script, sizeof script, len, error);
	*why = err == ERR_LONG ? "the result is longer than 64 KiB" : NULL;
	return err;
}

void
on_render_ask(const struct msg_render_ask *m)
{
	const struct image *image = image_by_id(m->image);
	struct text_error error = {.line = 0};
	uint8_t hash[32] = {0};
	const char *why = NULL;
	size_t len = 0;
	int fd = -1;

	if (render(m, image, &len, &why, &error) == 0) {
		hasher_sum(script, len, hash);
		fd = seal(script, len);
		why = fd < 0 ? "no memory for the script" : NULL;
	}
	if (fd < 0)
		complain(m, image, why, &error);
	tell_answer(m->ask, fd, len, hash);
}
