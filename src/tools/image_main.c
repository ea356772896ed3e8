/*
 * sallyport-image: everything about signed images that a person does. Needs no server and
 * no privilege beyond that to write its files. The server never runs it.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/tools/tool.h"

static const struct command {
	const char *first, *second;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
    {"key", "generate", image_key_generate,
	"[-W] [--password-file FILE] [-p PUBLIC] [-s SECRET]\n"
	"      a key pair in minisign's format (sallyport.pub, sallyport.key); -W: "
	"without\n"
	"      a password"},
    {"create", NULL, image_create,
	"--name NAME [--version N] [--created TIME] [--expires DAYS]\n"
	"      [--arch ARCH]... [--loader ARCH=PATH]... [--kernel [ARCH=]PATH]\n"
	"      [--initrd [ARCH=]PATH]... [--cmdline [ARCH=]TEXT]\n"
	"      [--template KIND=PATH]... [--no-templates] FOLDER\n"
	"      describes the files of FOLDER in FOLDER/manifest. ARCH: bios x86 x64 arm32\n"
	"      arm64 riscv64 loongarch64; KIND: ipxe grub pxelinux; PATH: within FOLDER"},
    {"sign", NULL, image_sign,
	"[-s SECRET] [--password-file FILE] [-t COMMENT] FOLDER\n"
	"      signs FOLDER/manifest; the signature is FOLDER/manifest.minisig"},
    {"verify", NULL, image_verify,
	"[-k KEYRING | -p PUBLIC] FOLDER\n"
	"      checks signature, expiry and every file, and names all that is wrong"},
    {"install", NULL, image_install,
	"[-k KEYRING | -p PUBLIC] [-i IMAGES] FOLDER\n"
	"      verifies FOLDER, then copies it to IMAGES/NAME/VERSION"},
    {"list", NULL, image_list,
	"[-i IMAGES]\n"
	"      what is installed (signatures are not checked)"},
    {"trust", "init", image_trust_init,
	"[--floor FILE] [--reset]\n"
	"      lets the server start to serve, and remember what it has served"},
    {"trust", "show", image_trust_show,
	"[--floor FILE]\n"
	"      the versions below which nothing is served"},
    {"tls", "init", image_tls_init,
	"[-W] [--password-file FILE] [-d DIRECTORY] [-t TITLE] [--days N]\n"
	"      [--ca-days N] [--constrain] NAME...\n"
	"      a private authority and the server's certificates for HTTPS; NAME: an\n"
	"      address or host name that stands in URLs"},
    {"tls", "renew", image_tls_renew,
	"[--password-file FILE] [-d DIRECTORY] [--days N] [--new-keys] [NAME]...\n"
	"      new certificates for the server, for its old names unless others are given"},
};

static void
show_usage(FILE *to, const struct command *c)
{
	fprintf(to, "  sallyport-image %s%s%s %s\n", c->first, c->second == NULL ? "" : " ",
	    c->second == NULL ? "" : c->second, c->usage);
}

static void
show_all(FILE *to)
{
	fprintf(to, "usage:\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		show_usage(to, &commands[i]);
	fprintf(to,
	    "exit: 0 done, 1 refused, 2 usage, 3 a file could not be read or written\n"
	    "defaults: KEYRING %s, IMAGES %s,\n"
	    "DIRECTORY %s\n",
	    TOOL_KEYRING, TOOL_IMAGES, TOOL_TLS);
}

static bool
wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	umask(022);
	if (sodium_init() < 0)
		tool_fail(TOOL_SYSTEM, "libsodium does not start");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *c = &commands[i];
		int words = c->second == NULL ? 1 : 2;

		if (argc <= words || strcmp(argv[1], c->first) != 0 ||
		    (c->second != NULL && strcmp(argv[2], c->second) != 0))
			continue;
		if (!wants_help(argc - words, argv + words))
			return c->run(argc - words, argv + words);
		show_usage(stdout, c);
		return TOOL_OK;
	}
	if (wants_help(argc, argv)) {
		show_all(stdout);
		return TOOL_OK;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("sallyport-image " SALLYPORT_VERSION);
		return TOOL_OK;
	}
	show_all(stderr);
	return TOOL_USAGE;
}
