/*
 * The configuration's grammar. Runs in conf-check and in the broker, inside their cages,
 * on text that the operator wrote. Every list is left-recursive, so that the parser's
 * stack does not grow with the text; the look-ahead correction makes the names of what
 * was expected exact. Values are borrowed pieces of the text: nothing needs freeing.
 */
%require "3.8"
%define api.pure full
%define api.prefix {conf_yy}
%define api.location.type {struct place}
%define parse.error custom
%define parse.lac full
%locations
%lex-param {void *scanner}
%parse-param {void *scanner} {struct build *b}

%code requires {
#include "policy/conf_build.h"
}

%union {
	struct slice slice;
}

%code {
#include <stdio.h>

/* A rule stands where its first word does. */
#define YYLLOC_DEFAULT(cur, rhs, n) ((cur) = YYRHSLOC((rhs), (n) != 0 ? 1 : 0))
#define TRY(call)                                                                        \
	do {                                                                             \
		if ((call) != 0)                                                         \
			YYABORT;                                                         \
	} while (0)

int conf_yylex(CONF_YYSTYPE *value, CONF_YYLTYPE *at, void *scanner);
static void yyerror(const CONF_YYLTYPE *at, void *scanner, struct build *b,
    const char *text);
}

%token END 0            "the end of the file"
%token K_STATE          "'state'"
%token K_IMAGES         "'images'"
%token K_KEYRING        "'keyring'"
%token K_INTERFACE      "'interface'"
%token K_SUBNET         "'subnet'"
%token K_HOST           "'host'"
%token K_IMAGE          "'image'"
%token K_BOOT           "'boot'"
%token K_TFTP           "'tftp'"
%token K_HTTP           "'http'"
%token K_SERVER         "'server'"
%token K_MAC            "'mac'"
%token K_ADDRESS        "'address'"
%token K_PARAMETER      "'parameter'"
%token K_POOL           "'pool'"
%token K_ROUTER         "'router'"
%token K_DNS            "'dns'"
%token K_DOMAIN         "'domain'"
%token K_LEASE_TIME     "'lease-time'"
%token K_DEFAULT        "'default'"
%token K_UNKNOWN        "'unknown'"
%token K_IPXE_TRANSPORT "'ipxe-transport'"
%token K_EXPIRED        "'expired'"
%token K_SESSION_TIME   "'session-time'"
%token K_SESSIONS       "'sessions'"
%token K_ALLOW          "'allow'"
%token K_DENY           "'deny'"
%token K_IGNORE         "'ignore'"
%token K_REFUSE         "'refuse'"
%token K_SERVE          "'serve'"
%token K_PORTS          "'ports'"
%token K_PORT           "'port'"
%token K_HEAD_TIMEOUT   "'head-timeout'"
%token K_IDLE_TIMEOUT   "'idle-timeout'"
%token K_MIN_RATE       "'min-rate'"
%token K_RATE_WINDOW    "'rate-window'"
%token K_CONNECTIONS    "'connections-per-address'"
%token K_WORKERS        "'workers'"
%token K_MEMORY         "'memory'"
%token K_LANDLOCK       "'landlock'"
%token K_LOG_LEVEL      "'log-level'"
%token K_UID_BASE       "'uid-base'"

%token <slice> STRING   "a text in double quotes"
%token <slice> WORD     "a word"
%token <slice> NUMBER   "a number"
%token <slice> DURATION "a duration such as 30s, 10m, 1h or 1d"
%token <slice> SIZE     "a size such as 64K, 512M or 2G"
%token <slice> ADDRESS  "an IPv4 address"
%token <slice> NETWORK  "a subnet such as 192.0.2.0/24"
%token <slice> MAC      "a hardware address such as 52:54:00:12:34:56"
%token BAD_TEXT

%type <slice> name size

%%

file:
	  %empty
	| file item
	;

item:
	  K_STATE STRING ';'    { TRY(build_path(b, SET_STATE, @1, $2, @2)); }
	| K_IMAGES STRING ';'   { TRY(build_path(b, SET_IMAGES, @1, $2, @2)); }
	| K_KEYRING STRING ';'  { TRY(build_path(b, SET_KEYRING, @1, $2, @2)); }
	| K_INTERFACE name      { TRY(build_link(b, $2, @2)); } link_body
	| K_SUBNET NETWORK      { TRY(build_subnet(b, $2, @2)); }
	  '{' subnet_items '}'  { TRY(build_subnet_end(b)); }
	| K_HOST STRING         { TRY(build_host(b, $2, @2)); }
	  '{' host_items '}'    { TRY(build_host_end(b, @6)); }
	| K_BOOT                { TRY(build_once(b, SET_BOOT, @1)); }
	  '{' boot_items '}'
	| K_TFTP                { TRY(build_once(b, SET_TFTP, @1)); }
	  '{' tftp_items '}'
	| K_HTTP                { TRY(build_once(b, SET_HTTP, @1)); }
	  '{' http_items '}'
	| K_SERVER              { TRY(build_once(b, SET_SERVER, @1)); }
	  '{' server_items '}'
	;

name:
	  WORD
	| STRING
	;

size:
	  SIZE
	| NUMBER
	;

link_body:
	  ';'
	| '{' link_items '}'
	;

link_items:
	  %empty
	| link_items K_ADDRESS ADDRESS ';'
		{ TRY(build_link_address(b, @2, $3, @3)); }
	;

subnet_items:
	  %empty
	| subnet_items subnet_item
	;

subnet_item:
	  K_POOL ADDRESS '-' ADDRESS ';'
		{ TRY(build_pool(b, $2, @2, $4, @4)); }
	| K_ROUTER              { TRY(build_once(b, SET_ROUTER, @1)); }
	  routers ';'
	| K_DNS                 { TRY(build_once(b, SET_DNS, @1)); }
	  servers ';'
	| K_DOMAIN STRING ';'   { TRY(build_domain(b, @1, $2, @2)); }
	| K_LEASE_TIME DURATION ';'
		{ TRY(build_amount(b, SET_LEASE_TIME, @1, $2, @2)); }
	;

routers:
	  ADDRESS               { TRY(build_router(b, $1, @1)); }
	| routers ',' ADDRESS   { TRY(build_router(b, $3, @3)); }
	;

servers:
	  ADDRESS               { TRY(build_dns(b, $1, @1)); }
	| servers ',' ADDRESS   { TRY(build_dns(b, $3, @3)); }
	;

host_items:
	  %empty
	| host_items host_item
	;

host_item:
	  K_MAC MAC ';'         { TRY(build_host_mac(b, @1, $2, @2)); }
	| K_ADDRESS ADDRESS ';' { TRY(build_host_address(b, @1, $2, @2)); }
	| K_IMAGE STRING ';'    { TRY(build_host_image(b, @1, $2, @2)); }
	| K_BOOT K_DENY ';'     { TRY(build_host_deny(b, @1)); }
	| K_PARAMETER STRING STRING ';'
		{ TRY(build_param(b, $2, @2, $3, @3)); }
	;

boot_items:
	  %empty
	| boot_items boot_item
	;

boot_item:
	  K_DEFAULT K_IMAGE STRING ';'
		{ TRY(build_default(b, @1, $3, @3)); }
	| K_DEFAULT K_DENY ';'  { TRY(build_once(b, SET_DEFAULT, @1)); }
	| K_UNKNOWN K_ALLOW ';' { TRY(build_unknown(b, @1, true, BOOT_UNSET)); }
	| K_UNKNOWN K_DENY ';'  { TRY(build_unknown(b, @1, true, BOOT_DENY)); }
	| K_UNKNOWN K_IGNORE ';' { TRY(build_unknown(b, @1, false, BOOT_UNSET)); }
	| K_UNKNOWN K_IMAGE STRING ';'
		{ TRY(build_unknown_image(b, @1, $3, @3)); }
	| K_IPXE_TRANSPORT      { TRY(build_once(b, SET_IPXE_TRANSPORT, @1)); }
	  transport ';'
	| K_EXPIRED             { TRY(build_once(b, SET_EXPIRED, @1)); }
	  expired ';'
	| K_SESSION_TIME DURATION ';'
		{ TRY(build_amount(b, SET_SESSION_TIME, @1, $2, @2)); }
	| K_SESSIONS NUMBER ';' { TRY(build_amount(b, SET_SESSIONS, @1, $2, @2)); }
	;

transport:
	  K_HTTP                { b->conf->ipxe_http = true; }
	| K_TFTP                { b->conf->ipxe_http = false; }
	;

expired:
	  K_REFUSE              { b->conf->expired_serve = false; }
	| K_SERVE               { b->conf->expired_serve = true; }
	;

tftp_items:
	  %empty
	| tftp_items K_PORTS NUMBER '-' NUMBER ';'
		{ TRY(build_ports(b, @2, $3, @3, $5, @5)); }
	;

http_items:
	  %empty
	| http_items http_item
	;

http_item:
	  K_PORT NUMBER ';'     { TRY(build_amount(b, SET_PORT, @1, $2, @2)); }
	| K_HEAD_TIMEOUT DURATION ';'
		{ TRY(build_amount(b, SET_HEAD_TIMEOUT, @1, $2, @2)); }
	| K_IDLE_TIMEOUT DURATION ';'
		{ TRY(build_amount(b, SET_IDLE_TIMEOUT, @1, $2, @2)); }
	| K_MIN_RATE size ';'   { TRY(build_amount(b, SET_MIN_RATE, @1, $2, @2)); }
	| K_RATE_WINDOW DURATION ';'
		{ TRY(build_amount(b, SET_RATE_WINDOW, @1, $2, @2)); }
	| K_CONNECTIONS NUMBER ';'
		{ TRY(build_amount(b, SET_CONNECTIONS, @1, $2, @2)); }
	;

server_items:
	  %empty
	| server_items server_item
	;

server_item:
	  K_WORKERS NUMBER ';'  { TRY(build_amount(b, SET_WORKERS, @1, $2, @2)); }
	| K_MEMORY size ';'     { TRY(build_amount(b, SET_MEMORY, @1, $2, @2)); }
	| K_LANDLOCK NUMBER ';' { TRY(build_amount(b, SET_LANDLOCK, @1, $2, @2)); }
	| K_LOG_LEVEL WORD ';'  { TRY(build_log_level(b, @1, $2, @2)); }
	| K_UID_BASE NUMBER ';' { TRY(build_amount(b, SET_UID_BASE, @1, $2, @2)); }
	;

%%

/* "'a', 'b' or 'c'". The end of the file is named only where nothing else may follow. */
static void
list_expected(const yypcontext_t *ctx, char *text, size_t cap)
{
	yysymbol_kind_t kinds[YYNTOKENS];
	int n = yypcontext_expected_tokens(ctx, kinds, YYNTOKENS);
	int first = n > 1 && kinds[0] == YYSYMBOL_YYEOF ? 1 : 0;
	size_t len = 0;

	text[0] = '\0';
	for (int i = first; i < n && len < cap; i++) {
		const char *between = i == first ? "" : i == n - 1 ? " or " : ", ";
		int wrote = snprintf(text + len, cap - len, "%s%s", between,
		    yysymbol_name(kinds[i]));

		len += wrote > 0 ? (size_t)wrote : 0;
	}
}

static int
yyreport_syntax_error(const yypcontext_t *ctx, void *scanner, struct build *b)
{
	char expected[sizeof b->error->text];
	char found[FOUND_MAX];
	const char *what = "the end of the file";

	(void)scanner;
	list_expected(ctx, expected, sizeof expected);
	if (yypcontext_token(ctx) != YYSYMBOL_YYEOF)
		what = build_found(b->last, found);
	return build_fail(b, ERR_FORMAT, *yypcontext_location(ctx), "found %s, expected %s",
	    what, expected);
}

/* Called by the generated code when its memory runs out, and for nothing else. */
static void
yyerror(const CONF_YYLTYPE *at, void *scanner, struct build *b, const char *text)
{
	(void)scanner;
	if (b->err == 0)
		b->err = build_fail(b, ERR_FULL, *at, "%s", text);
}
