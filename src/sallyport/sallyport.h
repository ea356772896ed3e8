/*
 * The commands of `sallyport`. argv[0] is the command's own name; each connects when it
 * knows what to ask, and returns the exit code.
 */
#ifndef SALLYPORT_SALLYPORT_SALLYPORT_H
#define SALLYPORT_SALLYPORT_SALLYPORT_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/ident.h"
#include "src/sallyport/table.h"

#define TIME_TEXT_MAX 24

/* --socket, or NULL. */
extern const char *socket_path;

int command_status(int argc, char **argv);
int command_lease_list(int argc, char **argv);
int command_lease_show(int argc, char **argv);
int command_lease_release(int argc, char **argv);
int command_lease_import(int argc, char **argv);
int command_lease_export(int argc, char **argv);
int command_session_list(int argc, char **argv);
int command_explain(int argc, char **argv);

/* "text", "json" or "csv"; ends the program otherwise. */
enum format parse_format(const char *name);
/* One of ours ends with a usage error when it is no IPv4 address. */
struct addr parse_address(const char *text);
/* RFC 3339 in UTC; "" for 0. */
const char *time_text(uint64_t s, char text[TIME_TEXT_MAX]);
/* "hw:01:52:54:..", "id:..", "uuid:.."; "" for nobody. */
#define IDENTITY_TEXT_MAX 256
const char *identity_text(
    unsigned kind, const uint8_t *bytes, size_t len, char text[IDENTITY_TEXT_MAX]);
const char *state_text(unsigned state);

#endif
