/*
 * Broker: what a machine gets for a name. The name comes from the network, the address
 * from the process that received the request; the answer is always an object that the
 * verifier has vouched for.
 */
#include "src/broker/serve.h"

#include <string.h>
#include <strings.h>

#include "src/base/log.h"
#include "src/broker/broker.h"
#include "src/broker/fetch.h"
#include "src/broker/names.h"

#define NAME_TEXT_MAX 300

static const char *
via(const struct serve_request *r)
{
	return r->by_tls ? "https" : r->by_http ? "http" : "tftp";
}

/* Those without a session have number 0. */
static uint32_t
session_number(const struct serve_request *r)
{
	return r->session == NULL ? 0 : r->session->id;
}

static const char *
session_image(const struct serve_request *r)
{
	return r->session == NULL || r->session->image[0] == '\0' ? "-" : r->session->image;
}

static const char *
quote(const struct serve_request *r, char text[NAME_TEXT_MAX])
{
	if (r->name[0] == '\0')
		return "-";
	return log_quote(r->name, strlen(r->name), text, NAME_TEXT_MAX);
}

static void
log_refused(const struct serve_request *r, const char *why)
{
	char peer[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_limited(LOG_NOTICE, "refused",
	    "session=%08x peer=%s name=%s image=%s via=%s why=\"%s\"", session_number(r),
	    addr_format(r->client, peer), quote(r, quoted), session_image(r), via(r), why);
}

/* Loaders try many names that need not exist. */
static void
log_absent(const struct serve_request *r)
{
	char peer[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_limited(LOG_DEBUG, "absent", "session=%08x peer=%s name=%s image=%s via=%s",
	    session_number(r), addr_format(r->client, peer), quote(r, quoted),
	    session_image(r), via(r));
}

static void
log_stranger(const struct serve_request *r)
{
	char peer[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_limited(LOG_NOTICE, "no-session", "peer=%s name=%s via=%s",
	    addr_format(r->client, peer), quote(r, quoted), via(r));
}

void
serve_log_file(const struct serve_request *r, const struct serve_object *object)
{
	char peer[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_event(LOG_DEBUG, "file", "session=%08x peer=%s name=%s image=%s via=%s",
	    session_number(r), addr_format(r->client, peer), quote(r, quoted),
	    object->image, via(r));
}

enum content
serve_content(const char *name)
{
	static const struct {
		const char *suffix;
		enum content content;
	} types[] = {
	    {".efi", CONTENT_EFI},
	    {".iso", CONTENT_ISO},
	    {".img", CONTENT_IMG},
	    {".ipxe", CONTENT_TEXT},
	    {".cfg", CONTENT_TEXT},
	    {".txt", CONTENT_TEXT},
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		size_t n = strlen(types[i].suffix);

		if (len > n && strcasecmp(name + len - n, types[i].suffix) == 0)
			return types[i].content;
	}
	return CONTENT_BINARY;
}

/* A machine of no kind that we know, but with iPXE, runs scripts of any kind. */
static enum arch
arch_of(const struct session *s)
{
	return s->arch == ARCH_NONE && s->ipxe ? ARCH_BIOS : s->arch;
}

static int
find_text(const struct serve_request *r, const struct image *image, enum template_kind kind,
    struct serve_object *object, struct render_ticket *ticket)
{
	const struct session *s = r->session;
	struct render_key key = {
	    .kind = kind,
	    .arch = arch_of(s),
	    /* What came by one protocol goes on by it: who asks by TFTP was sent there
	     * because it knows nothing else, or because the configuration says so. */
	    .http_port = !r->by_http ? 0
			 : r->by_tls ? broker.conf->https_port
				     : broker.conf->http_port,
	    .https = r->by_tls,
	    .mac = s->mac,
	    .client = *r->client,
	    .server = s->server,
	    .host = s->key == NULL ? NULL : &broker.conf->hosts[s->key->host],
	};
	struct render_text text;
	int err = render_get(image, &key, &text, ticket);

	if (err != 0)
		return err;
	object->object = text.object;
	object->modified = text.modified;
	object->content = CONTENT_TEXT;
	object->image = image->name;
	return 0;
}

/* One protocol of the two has clients to which case means nothing. */
static bool
any_case(const struct serve_request *r)
{
	return !r->by_http && broker.conf->tftp_any_case;
}

/* Of several paths the first that is listed; only when none is, whatever the case. */
static int
find_file(const struct serve_request *r, const struct image *image, unsigned npaths,
    const char *const *paths, struct serve_object *object, struct render_ticket *ticket)
{
	const struct object *file = NULL;
	unsigned i;

	for (i = 0; i < npaths && file == NULL; i++)
		file = image_file(image, paths[i]);
	if (file == NULL && any_case(r))
		for (i = 0; i < npaths && file == NULL; i++)
			file = image_file_any_case(image, paths[i]);
	if (file == NULL)
		return ERR_ABSENT;
	if (file->mem->fd < 0) {
		fetch_want(file->mem);
		*ticket =
		    (struct render_ticket){.cold = file->mem, .serial = file->mem->serial};
		return ERR_STATE;
	}
	object->object = *file;
	/* A validator is never in the future (RFC 9110, 8.8.2.1). */
	object->modified = image->created < broker.wall_s ? image->created : broker.wall_s;
	object->content = serve_content(paths[i - 1]);
	object->image = image->name;
	return 0;
}

/* In the image that the session is for. */
static int
find_in(const struct serve_request *r, const struct image *image,
    struct serve_object *object, struct render_ticket *ticket)
{
	const struct image_boot *boot = image_boot(image, arch_of(r->session));
	struct names_view view = {
	    .image = image->name,
	    .loader = boot == NULL ? "" : boot->loader,
	    .templates = boot == NULL ? 0 : boot->templates,
	    .mac = r->session->mac,
	    .client = *r->client,
	    .any_case = any_case(r),
	};
	struct names_meaning meaning;

	names_resolve(&view, r->name, &meaning);
	if (meaning.rendered)
		return find_text(r, image, meaning.kind, object, ticket);
	return find_file(r, image, meaning.npaths, meaning.paths, object, ticket);
}

/* Is the name <image>/...? */
static bool
begins_with(const struct serve_request *r, const char *image, size_t len)
{
	int order =
	    any_case(r) ? strncasecmp(r->name, image, len) : strncmp(r->name, image, len);

	return order == 0 && r->name[len] == '/';
}

/* *anything: some image is open to the address. */
static int
find_open(const struct serve_request *r, bool *anything, struct serve_object *object,
    struct render_ticket *ticket)
{
	const struct conf_open *o;
	unsigned n = 0;

	*anything = false;
	while ((o = conf_next_open(broker.conf, r->client, &n)) != NULL) {
		size_t len = strlen(o->image);
		const struct image *image;
		const char *path;

		*anything = true;
		if (!begins_with(r, o->image, len))
			continue;
		path = r->name + len + 1;
		image = image_find(o->image, broker.wall_s);
		return image == NULL ? ERR_ABSENT
				     : find_file(r, image, 1, &path, object, ticket);
	}
	return ERR_ABSENT;
}

/* A machine with a certificate in the configuration is one that shows it. */
static bool
is_proven(const struct serve_request *r)
{
	const struct session *s = r->session;
	const uint8_t *wanted =
	    s->key == NULL ? NULL : broker.conf->hosts[s->key->host].certificate;

	if (wanted == NULL)
		return true;
	return r->shown != NULL && memcmp(r->shown, wanted, CONF_FINGERPRINT) == 0;
}

int
serve_find(const struct serve_request *r, struct serve_object *object,
    struct render_ticket *ticket)
{
	const struct session *s = r->session;
	const struct image *image = NULL;
	bool anything = false, proven = s == NULL || is_proven(r);
	int err = ERR_ABSENT;

	if (s != NULL && proven && s->image[0] != '\0')
		image = image_find(s->image, broker.wall_s);
	if (image != NULL)
		err = find_in(r, image, object, ticket);
	if (err == ERR_ABSENT)
		err = find_open(r, &anything, object, ticket);
	if (err != ERR_ABSENT)
		return err;
	if (s == NULL && !anything)
		log_stranger(r);
	else if (s == NULL || image != NULL)
		log_absent(r);
	else
		log_refused(r, !proven               ? "client certificate is missing"
			       : s->image[0] == '\0' ? "nothing to boot"
						     : "image is not served");
	return err;
}
