/*
 * "sallyport-image tls": a private authority for HTTPS boot and the server's certificates.
 * The authority's key is encrypted like a signing key and needed again only to renew: it is
 * best kept elsewhere.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/tools/secret.h"
#include "src/tools/tls_cert.h"
#include "src/tools/tool.h"

#define NAMES_MAX 32u
#define DAYS_MAX 36500u
#define CA_DAYS 3650u
#define SERVER_DAYS 397u
#define FILE_MAX (64u << 10)

struct plan {
	const char *directory, *title, *password_file, *names;
	unsigned ca_days, days;
	bool no_password, constrains, new_keys;
};

static const struct option options[] = {
    {"directory", required_argument, NULL, 'd'},
    {"title", required_argument, NULL, 't'},
    {"password-file", required_argument, NULL, 'f'},
    {"no-password", no_argument, NULL, 'W'},
    {"ca-days", required_argument, NULL, 'c'},
    {"days", required_argument, NULL, 'n'},
    {"constrain", no_argument, NULL, 'C'},
    {"new-keys", no_argument, NULL, 'N'},
    {NULL, 0, NULL, 0},
};

static const char *const files[] = {
    "ca.key", "ca.pem", "ca.der", "ca.esl", "rsa.key", "rsa.pem", "ec.key", "ec.pem"};

/* Some options belong to one of the two commands alone. */
static void
take_option(struct plan *p, bool init, int option, const char *command)
{
	switch (option) {
	case 'd': p->directory = optarg; return;
	case 'f': p->password_file = optarg; return;
	case 'n': p->days = (unsigned)tool_number("--days", optarg, 1, DAYS_MAX); return;
	default: break;
	}
	if (init && option == 't')
		p->title = optarg;
	else if (init && option == 'W')
		p->no_password = true;
	else if (init && option == 'c')
		p->ca_days = (unsigned)tool_number("--ca-days", optarg, 1, DAYS_MAX);
	else if (init && option == 'C')
		p->constrains = true;
	else if (!init && option == 'N')
		p->new_keys = true;
	else
		tool_fail(TOOL_USAGE, "see sallyport-image tls %s --help", command);
}

static void
parse(struct plan *p, bool init, int argc, char **argv)
{
	unsigned n;
	char *why;
	int option;

	while ((option = getopt_long(argc, argv, "d:t:W", options, NULL)) != -1)
		take_option(p, init, option, argv[0]);
	n = (unsigned)(argc - optind);
	if (n > NAMES_MAX)
		tool_fail(TOOL_USAGE, "tls %s: more than %u names", argv[0], NAMES_MAX);
	if (n == 0 && init)
		tool_fail(TOOL_USAGE,
		    "tls init: expected the addresses and names that stand in URLs of this "
		    "server");
	p->names = n == 0 ? NULL : tls_cert_names(argv + optind, n, &why);
	if (n > 0 && p->names == NULL)
		tool_fail(TOOL_USAGE, "tls %s: %s", argv[0], why);
}

/* ------------------------------------------------------------------ files */

static void
put(const struct plan *p, const char *name, mode_t mode, bool replace, const void *bytes,
    size_t len)
{
	char *path = tool_format("%s/%s", p->directory, name);

	tool_write(path, mode, replace, bytes, len);
	free(path);
}

static void
put_key(const struct plan *p, const char *name, bool replace, EVP_PKEY *key,
    const char *password)
{
	char *pem = tls_cert_key_pem(key, password);

	put(p, name, 0600, replace, pem, strlen(pem));
	explicit_bzero(pem, strlen(pem));
	free(pem);
}

static void
put_certificate(const struct plan *p, const char *name, bool replace, X509 *x)
{
	char *pem = tls_cert_pem(x);

	put(p, name, 0644, replace, pem, strlen(pem));
	free(pem);
}

static void
put_ca(const struct plan *p, X509 *ca)
{
	size_t len;
	uint8_t *der = tls_cert_der(ca, &len);
	uint8_t *esl = tool_alloc(len + TLS_CERT_ESL_OVERHEAD);
	int esl_len = tls_cert_esl(der, len, esl, len + TLS_CERT_ESL_OVERHEAD);

	put_certificate(p, "ca.pem", false, ca);
	put(p, "ca.der", 0644, false, der, len);
	if (esl_len > 0)
		put(p, "ca.esl", 0644, false, esl, (size_t)esl_len);
	free(der);
	free(esl);
}

static X509 *
get_certificate(const struct plan *p, const char *name)
{
	char *path = tool_format("%s/%s", p->directory, name), *text;
	size_t len;
	BIO *in;
	X509 *x;

	text = tool_read(path, FILE_MAX, &len);
	in = BIO_new_mem_buf(text, (int)len);
	x = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);
	if (x == NULL)
		tool_fail(TOOL_REFUSED, "%s: there is no certificate in it", path);
	BIO_free(in);
	free(text);
	free(path);
	return x;
}

/* Asks only when the key turns out to be encrypted. */
static int
give_password(char *password, int size, int writes, void *arg)
{
	const struct plan *p = arg;

	(void)writes;
	return (int)tool_password(p->password_file, false, password, (size_t)size);
}

static EVP_PKEY *
get_key(const struct plan *p, const char *name)
{
	char *path = tool_format("%s/%s", p->directory, name), *text;
	struct plan asks = *p;
	size_t len;
	EVP_PKEY *key;
	BIO *in;

	text = tool_read(path, FILE_MAX, &len);
	in = BIO_new_mem_buf(text, (int)len);
	key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, give_password, &asks);
	if (key == NULL)
		tool_fail(TOOL_REFUSED, "%s: no private key, or the wrong password", path);
	BIO_free(in);
	explicit_bzero(text, len);
	free(text);
	free(path);
	return key;
}

/* ------------------------------------------------------------------ words */

static void
show_fingerprint(X509 *ca)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(ca, EVP_sha256(), hash, &len) != 1)
		tool_fail(TOOL_SYSTEM, "SHA-256 does not work");
	printf("authority, SHA-256:");
	for (unsigned i = 0; i < len; i++)
		printf("%c%02x", i == 0 ? ' ' : ':', hash[i]);
	printf("\n");
}

static void
show_use(const char *d, X509 *ca)
{
	show_fingerprint(ca);
	printf("\nfor the server's configuration:\n"
	       "  https {\n"
	       "      certificate \"%s/rsa.pem\" key \"%s/rsa.key\";\n"
	       "      certificate \"%s/ec.pem\" key \"%s/ec.key\";\n"
	       "  }\n",
	    d, d, d, d);
	printf(
	    "\nmachines have to know the authority:\n"
	    "  OVMF, as an EFI signature list, from outside:\n"
	    "      qemu-system-x86_64 ... "
	    "-fw_cfg name=etc/edk2/https/cacerts,file=%s/ca.esl\n"
	    "  iPXE, compiled in (with DOWNLOAD_PROTO_HTTPS in config/general.h):\n"
	    "      make bin-x86_64-efi/snponly.efi CERT=%s/ca.pem TRUST=%s/ca.pem\n"
	    "  real firmware, in its setup, from a FAT volume with %s/ca.pem or ca.der:\n"
	    "      look for \"TLS Auth Configuration\", \"Server CA Configuration\", or\n"
	    "      \"TLS (HTTPS) Options\"; many take it over Redfish too, as PEM, by a\n"
	    "      POST to the system's Boot/Certificates\n",
	    d, d, d, d);
	printf("\nkeep %s/ca.key elsewhere; it is needed again for tls renew alone\n", d);
	if (geteuid() != 0)
		printf("on the server, all these files belong to root\n");
}

/* ------------------------------------------------------------------ commands */

static void
make_directory(const struct plan *p)
{
	if (mkdir(p->directory, 0755) != 0 && errno != EEXIST)
		tool_fail_errno("%s", p->directory);
	for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
		char *path = tool_format("%s/%s", p->directory, files[i]);

		if (access(path, F_OK) == 0)
			tool_fail(TOOL_REFUSED,
			    "%s exists already; tls renew makes new certificates with an "
			    "old authority",
			    path);
		free(path);
	}
}

/* So that two of them in one firmware can be told apart. */
static char *
make_title(void)
{
	uint8_t number[4];

	if (RAND_bytes(number, sizeof number) != 1)
		tool_fail(TOOL_SYSTEM, "no random bytes");
	return tool_format("Sallyport boot authority %02x%02x%02x%02x", number[0],
	    number[1], number[2], number[3]);
}

static void
certify(
    const struct plan *p, bool is_rsa, EVP_PKEY *key, X509 *old, X509 *ca, EVP_PKEY *ca_key)
{
	X509 *x = tls_cert_make_server(key, p->names, old, p->days, ca, ca_key);

	put_certificate(p, is_rsa ? "rsa.pem" : "ec.pem", old != NULL, x);
	X509_free(x);
}

int
image_tls_init(int argc, char **argv)
{
	struct plan p = {.directory = TOOL_TLS, .ca_days = CA_DAYS, .days = SERVER_DAYS};
	char password[SECRET_PASSWORD_MAX] = "";
	EVP_PKEY *ca_key;
	X509 *ca;

	parse(&p, true, argc, argv);
	if (p.title != NULL && (p.title[0] == '\0' || strlen(p.title) > 64))
		tool_fail(TOOL_USAGE, "--title: 1 to 64 bytes");
	make_directory(&p);
	if (!p.no_password)
		(void)tool_password(p.password_file, true, password, sizeof password);
	ca_key = tls_cert_make_key(true);
	ca = tls_cert_make_ca(ca_key, p.title != NULL ? p.title : make_title(), p.ca_days,
	    p.constrains ? p.names : NULL);
	put_key(&p, "ca.key", false, ca_key, p.no_password ? NULL : password);
	explicit_bzero(password, sizeof password);
	put_ca(&p, ca);
	for (unsigned rsa = 0; rsa < 2; rsa++) {
		EVP_PKEY *key = tls_cert_make_key(rsa == 1);

		put_key(&p, rsa == 1 ? "rsa.key" : "ec.key", false, key, NULL);
		certify(&p, rsa == 1, key, NULL, ca, ca_key);
		EVP_PKEY_free(key);
	}
	show_use(p.directory, ca);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	return TOOL_OK;
}

/* What clients would refuse is not made. */
static void
check_authority(const struct plan *p, X509 *ca, EVP_PKEY *ca_key)
{
	int days, seconds;

	if (X509_check_private_key(ca, ca_key) != 1)
		tool_fail(TOOL_REFUSED, "%s/ca.key is not the key of ca.pem", p->directory);
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(ca)) != 1 || days < 1)
		tool_fail(TOOL_REFUSED,
		    "%s/ca.pem has expired; machines need a new authority", p->directory);
	if ((unsigned)days < p->days)
		tool_complain("the authority itself ends in %d days", days);
}

int
image_tls_renew(int argc, char **argv)
{
	struct plan p = {.directory = TOOL_TLS, .days = SERVER_DAYS};
	EVP_PKEY *ca_key;
	X509 *ca;

	parse(&p, false, argc, argv);
	ca = get_certificate(&p, "ca.pem");
	ca_key = get_key(&p, "ca.key");
	check_authority(&p, ca, ca_key);
	for (unsigned rsa = 0; rsa < 2; rsa++) {
		const char *name = rsa == 1 ? "rsa.key" : "ec.key";
		X509 *old = get_certificate(&p, rsa == 1 ? "rsa.pem" : "ec.pem");
		EVP_PKEY *key =
		    p.new_keys ? tls_cert_make_key(rsa == 1) : get_key(&p, name);

		if (p.new_keys)
			put_key(&p, name, true, key, NULL);
		certify(&p, rsa == 1, key, old, ca, ca_key);
		X509_free(old);
		EVP_PKEY_free(key);
	}
	printf("renewed for %u days: %s/rsa.pem, %s/ec.pem\n"
	       "the server takes them at its next reload (SIGHUP)\n",
	    p.days, p.directory, p.directory);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	return TOOL_OK;
}
