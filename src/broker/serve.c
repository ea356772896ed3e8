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
#include "src/broker/names.h"

#define NAME_TEXT_MAX 300

static const char *
via(bool by_http)
{
	return by_http ? "http" : "tftp";
}

static void
log_refused(const struct session *s, const struct addr *client, const char *name,
    bool by_http, const char *why)
{
	char peer[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_limited(LOG_NOTICE, "refused",
	    "session=%08x peer=%s name=%s image=%s via=%s why=\"%s\"", s->id,
	    addr_format(client, peer), log_quote(name, strlen(name), quoted, sizeof quoted),
	    s->image[0] == '\0' ? "-" : s->image, via(by_http), why);
}

/* Loaders try many names that need not exist. */
static void
log_absent(
    const struct session *s, const struct addr *client, const char *name, bool by_http)
{
	char peer[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_limited(LOG_DEBUG, "absent", "session=%08x peer=%s name=%s image=%s via=%s",
	    s->id, addr_format(client, peer),
	    log_quote(name, strlen(name), quoted, sizeof quoted), s->image, via(by_http));
}

void
serve_log_file(
    const struct session *s, const struct addr *peer, const char *name, bool by_http)
{
	char text[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_event(LOG_DEBUG, "file", "session=%08x peer=%s name=%s image=%s via=%s", s->id,
	    addr_format(peer, text), log_quote(name, strlen(name), quoted, sizeof quoted),
	    s->image, via(by_http));
}

void
serve_log_stranger(const struct addr *peer, const char *name, bool by_http)
{
	char text[ADDR_TEXT_MAX], quoted[NAME_TEXT_MAX];

	log_limited(LOG_NOTICE, "no-session", "peer=%s name=%s via=%s",
	    addr_format(peer, text),
	    name[0] == '\0' ? "-" : log_quote(name, strlen(name), quoted, sizeof quoted),
	    via(by_http));
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
find_text(const struct session *s, const struct addr *client, const struct image *image,
    enum template_kind kind, bool by_http, struct serve_object *object,
    struct render_ticket *ticket)
{
	struct render_key key = {
	    .kind = kind,
	    .arch = arch_of(s),
	    /* What came by one protocol goes on by it: who asks by TFTP was sent there
	     * because it knows nothing else, or because the configuration says so. */
	    .http_port = by_http ? broker.conf->http_port : 0,
	    .mac = s->mac,
	    .client = *client,
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
	return 0;
}

static int
find_file(const struct image *image, const struct names_meaning *meaning,
    struct serve_object *object)
{
	for (unsigned i = 0; i < meaning->npaths; i++) {
		const struct object *file = image_file(image, meaning->paths[i]);

		if (file == NULL)
			continue;
		object->object = *file;
		/* A validator is never in the future (RFC 9110, 8.8.2.1). */
		object->modified =
		    image->created < broker.wall_s ? image->created : broker.wall_s;
		object->content = serve_content(meaning->paths[i]);
		return 0;
	}
	return ERR_ABSENT;
}

int
serve_find(const struct session *s, const struct addr *client, const char *name,
    bool by_http, struct serve_object *object, struct render_ticket *ticket)
{
	const struct image *image = NULL;
	const struct image_boot *boot;
	struct names_view view;
	struct names_meaning meaning;
	int err;

	if (s->image[0] != '\0')
		image = image_find(s->image, broker.wall_s);
	if (image == NULL) {
		log_refused(s, client, name, by_http,
		    s->image[0] == '\0' ? "nothing to boot" : "image is not served");
		return ERR_ABSENT;
	}
	boot = image_boot(image, arch_of(s));
	view = (struct names_view){
	    .image = image->name,
	    .loader = boot == NULL ? "" : boot->loader,
	    .templates = boot == NULL ? 0 : boot->templates,
	    .mac = s->mac,
	    .client = *client,
	};
	names_resolve(&view, name, &meaning);
	err = meaning.rendered
		  ? find_text(s, client, image, meaning.kind, by_http, object, ticket)
		  : find_file(image, &meaning, object);
	if (err == ERR_ABSENT)
		log_absent(s, client, name, by_http);
	return err;
}
