# Sallyport. Plain make, Linux only; gcc and clang alike.
#
#   make            build everything            make check        all quick tests
#   make demo       boot a virtual machine      make check-boot   every firmware case
#   make check-walls  the walls, one by one     make fuzz-smoke   T=seconds in all
#   make bench-dhcp   beside Kea, ISC dhcpd and dnsmasq; the table in build/bench
#   make bench-files  beside tftpd-hpa, atftpd, dnsmasq, nginx; bench-storm: machines
#                   that boot all at once, beside dnsmasq and nginx; bench: all three
#   make bench-verify  a large file from disk into verified memory, beside openssl dgst
#   make layers     prove the link map          make lint         format, static analysis
#   make fuzz       TARGET=name or all, with AFL++ until ^C or for T=seconds each
#   make coverage   lines that unit tests and seeds reach; build/coverage/index.html
#   make install    DESTDIR= PREFIX=
#
# Below, each executable has its explicit list of objects: the link map is the
# privilege map, and `make layers` proves it.

PREFIX ?= /usr/local
LIBEXECDIR ?= $(PREFIX)/libexec/sallyport
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib/sallyport
RUNDIR ?= /run
VERSION := 0.1

# B is the build tree, KIND its flavour: release, clang, san (ASan + UBSan), fuzz, afl, cov.
KIND ?= release
B := build/$(KIND)

ifeq ($(KIND),release)
CC := gcc
else ifeq ($(KIND),clang)
CC := clang
else ifeq ($(KIND),cov)
CC := gcc
else ifeq ($(KIND),afl)
CC := afl-clang-fast
else
CC := clang
endif

WARN := -Wall -Wextra -Werror -Wformat=2 -Wshadow -Wvla -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wundef -Wwrite-strings -Wcast-qual \
	-Wimplicit-fallthrough -Wnull-dereference -Wconversion -Wno-sign-conversion
GCC_ONLY := -Wtrampolines -Wlogical-op -Wduplicated-cond -fzero-call-used-regs=used-gpr \
	-ftrivial-auto-var-init=zero
CLANG_ONLY := -grecord-command-line -Wno-gnu-zero-variadic-macro-arguments
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection=full -fno-strict-aliasing \
	-fno-strict-overflow -fno-delete-null-pointer-checks
CPPFLAGS := -I. -D_GNU_SOURCE -DSALLYPORT_VERSION='"$(VERSION)"' \
	-DSALLYPORT_LIBEXECDIR='"$(LIBEXECDIR)"' -DSALLYPORT_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DSALLYPORT_STATEDIR='"$(STATEDIR)"' -DSALLYPORT_CONTROL='"$(RUNDIR)/sallyport/control"'
CFLAGS := -std=c17 -O2 -g -fPIE $(WARN) -pthread
LDHARDEN := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,-z,defs,--as-needed

ifeq ($(KIND),release)
CFLAGS += $(GCC_ONLY) $(HARDEN)
LDFLAGS := -pie $(LDHARDEN)
STATIC := -static-pie $(LDHARDEN)
else ifeq ($(KIND),clang)
CFLAGS += $(CLANG_ONLY) $(HARDEN)
LDFLAGS := -pie $(LDHARDEN)
STATIC := -static-pie $(LDHARDEN)
else ifeq ($(KIND),san)
CPPFLAGS += -DSALLYPORT_UNCAGED
CFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -pie -fsanitize=address,undefined
STATIC := $(LDFLAGS)
else ifeq ($(KIND),fuzz)
CFLAGS += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
LDFLAGS := -pie -fsanitize=fuzzer,address,undefined
STATIC := $(LDFLAGS)
else ifeq ($(KIND),afl)
LDFLAGS := -pie
STATIC := $(LDFLAGS)
else ifeq ($(KIND),cov)
CPPFLAGS += -DSALLYPORT_UNCAGED
CFLAGS += -O0 --coverage
LDFLAGS := -pie --coverage
STATIC := $(LDFLAGS)
endif

# ---------------------------------------------------------------- shared lists

BASE := src/base/err src/base/buf src/base/ident src/base/clock src/base/log
CHILD := $(BASE) privsep/roles privsep/msg privsep/chan privsep/start
# Of a caged process: plus its own generated filter.
CAGED = $(CHILD) privsep/cage gen/cage/$(1)

# The configuration: grammar, tree, checks.
CONF := policy/conf policy/conf_build policy/conf_setting policy/conf_subnet policy/conf_host \
	gen/policy/conf_scan gen/policy/conf_grammar
CONF += policy/option policy/option_show policy/scope policy/conf_key policy/conf_csv
CONF += policy/conf_keep policy/conf_amount policy/conf_link policy/conf_scope policy/conf_option
CONF += policy/conf_https
CONF += policy/conf_open
CONF += policy/conf_class policy/conf_pool policy/conf_shared policy/conf_print policy/conf_print_level

# ----------------------------------------------------------------- executables

ROLES := logger broker verifier dhcp-parser dhcp-sender tftp-parser http-parser file-sender \
	conf-check link-parser tls keys
PROGRAMS := sallyportd $(ROLES) sallyport-image sallyport

OBJ_sallyportd := $(CHILD) privsep/spawn privsep/supervisor privsep/roster privsep/deaths \
	privsep/notice privsep/sockets privsep/sockets_link privsep/sockets_v6 privsep/setup privsep/reload \
	privsep/listener privsep/spec src/sallyportd/sallyportd_main
LIB_sallyportd := -lseccomp

OBJ_logger := $(call CAGED,logger) src/logger/logger_main
STATIC_logger := yes

DHCP4_DECODE := src/wire/dhcp4_decode src/wire/dhcp4_hints
OBJ_dhcp-parser := $(call CAGED,dhcp-parser) $(DHCP4_DECODE) \
	src/dhcp-parser/tell src/dhcp-parser/dhcp-parser_main
STATIC_dhcp-parser := yes

OBJ_link-parser := $(call CAGED,link-parser) src/wire/arp src/wire/icmp src/wire/frame \
	src/wire/dhcp4_client src/link-parser/heard src/link-parser/link-parser_main
STATIC_link-parser := yes

DHCP4_ENCODE := src/wire/dhcp4_encode src/wire/dhcp4_options
OBJ_dhcp-sender := $(call CAGED,dhcp-sender) $(DHCP4_ENCODE) src/wire/frame \
	src/dhcp-sender/reply_check src/dhcp-sender/reply_wire src/dhcp-sender/outbox \
	src/dhcp-sender/dhcp-sender_main
OBJ_dhcp-sender += src/wire/arp src/wire/icmp src/wire/dhcp4_client \
	src/dhcp-sender/probe_check src/dhcp-sender/probe_send
STATIC_dhcp-sender := yes

OBJ_tls := $(call CAGED,tls) src/wire/tls_sign src/tls/provider src/tls/provider_key \
	src/tls/provider_sign src/tls/provider_decrypt src/tls/tls_main
OBJ_tls += src/tls/stacks src/tls/signer src/tls/tickets src/tls/certs src/tls/context \
	src/tls/conn src/tls/bio src/tls/session src/tls/clients src/tls/intake
LIB_tls := -lssl -lcrypto

KEYS := src/wire/tls_sign src/keys/load src/keys/sign src/keys/pool src/keys/serve
OBJ_keys := $(call CAGED,keys) $(KEYS) src/keys/keys_main
LIB_keys := -lcrypto

OBJ_tftp-parser := $(call CAGED,tftp-parser) src/wire/tftp src/wire/path \
	src/tftp-parser/origin src/tftp-parser/tftp-parser_main
STATIC_tftp-parser := yes

OBJ_http-parser := $(call CAGED,http-parser) src/wire/http src/wire/http_value src/wire/path \
	src/http-parser/conns src/http-parser/http-parser_main
STATIC_http-parser := yes

SENDER := src/wire/tftp src/file-sender/watch src/file-sender/caps src/file-sender/timers \
	src/file-sender/memfds src/file-sender/tftp_xfer src/file-sender/tftp_out \
	src/file-sender/tftp_in src/file-sender/tftp_table src/file-sender/tftp_blocks \
	src/file-sender/netascii src/file-sender/tftp src/file-sender/http_reply \
	src/file-sender/http_conn src/file-sender/http_accept src/file-sender/https \
	src/file-sender/http src/file-sender/file-sender_main
OBJ_file-sender := $(call CAGED,file-sender) $(SENDER)
STATIC_file-sender := yes

# The DHCP half of the broker.
LEASE := policy/pool src/broker/lease src/broker/lease_order src/broker/lease_id \
	src/broker/lease_port src/broker/lease_start
BROKER_DHCP := src/base/hash $(LEASE) policy/match src/broker/record src/broker/store \
	src/broker/session src/broker/trace src/broker/dhcp_ask src/broker/dhcp_reply \
	src/broker/dhcp_boot src/broker/dhcp_store src/broker/dhcp \
	src/broker/decide src/broker/apply
BROKER_DHCP += src/broker/probe src/broker/rogue src/broker/heard
BROKER_DHCP += src/broker/proxy src/broker/limit src/broker/counters src/broker/dhcp_quirk
# Its file half: images, names, requests for files.
BROKER_FILES := src/base/hash policy/paths src/broker/broker src/broker/memfd src/broker/fetch src/broker/image \
	src/broker/intake src/broker/names src/broker/render src/broker/serve src/broker/wait \
	src/broker/tftp src/broker/conn src/broker/http_rules src/broker/http src/broker/files
OBJ_broker := $(call CAGED,broker) $(CONF) $(BROKER_DHCP) $(BROKER_FILES) src/broker/loop \
	src/broker/broker_main
# Its control socket.
CONTROL := src/broker/control src/broker/control_status src/broker/control_leases \
	src/broker/control_changes src/broker/control_explain
OBJ_broker += $(CONTROL)
LIB_broker := -llmdb

IMAGE_RULES := policy/lines policy/paths policy/when policy/manifest policy/minisign \
	policy/keyring policy/template policy/floor
OBJ_verifier := $(call CAGED,verifier) $(IMAGE_RULES) src/verifier/store \
	src/verifier/sha256 src/verifier/sealed src/verifier/queue src/verifier/fill \
	src/verifier/hasher src/verifier/floorfile src/verifier/image src/verifier/catalog \
	src/verifier/cache src/verifier/texts src/verifier/load src/verifier/tell \
	src/verifier/render src/verifier/verifier_main
LIB_verifier := -lsodium -lcrypto

OBJ_conf-check := $(call CAGED,conf-check) $(CONF) src/conf-check/conf-check_main
STATIC_conf-check := yes

OBJ_sallyport-image := $(BASE) $(IMAGE_RULES) policy/manifest_print src/verifier/store \
	src/verifier/sha256 src/tools/tool src/tools/tree src/tools/secret \
	src/tools/image_templates src/tools/image_folder src/tools/image_create \
	src/tools/image_sign src/tools/image_install src/tools/image_trust src/tools/image_main
OBJ_sallyport-image += src/tools/tls_cert src/tools/image_tls
LIB_sallyport-image := -lsodium -lcrypto

# Lease files of other servers.
LEASEFILE := src/sallyport/scan src/sallyport/leasefile_dnsmasq src/sallyport/leasefile_isc \
	src/sallyport/leasefile_csv
OBJ_sallyport := $(BASE) privsep/roles privsep/msg src/sallyport/client src/sallyport/table \
	src/sallyport/status src/sallyport/lease src/sallyport/import $(LEASEFILE) \
	src/sallyport/sallyport_main
OBJ_sallyport += src/sallyport/capture src/sallyport/request src/sallyport/explain \
	$(DHCP4_DECODE) $(DHCP4_ENCODE) src/wire/dhcp4_show src/wire/dhcp4_show_value \
	src/dhcp-parser/tell src/dhcp-sender/reply_wire policy/option policy/option_show

# ------------------------------------------------------------------ unit tests
# UNIT lists the programs tests/unit/test_NAME.c; OBJ_test_NAME what else they link.

UNIT := buf ident log msg chan
OBJ_test_buf := $(BASE)
OBJ_test_ident := $(BASE)
OBJ_test_log := $(BASE)
OBJ_test_msg := $(BASE) privsep/roles privsep/msg
OBJ_test_chan := $(CHILD)
UNIT += tftp path http conns origin
OBJ_test_origin := $(BASE) src/tftp-parser/origin
OBJ_test_tftp := $(BASE) src/wire/tftp src/wire/path
OBJ_test_path := $(BASE) src/wire/path
OBJ_test_http := $(BASE) src/wire/http src/wire/http_value src/wire/path
OBJ_test_conns := $(BASE) privsep/roles privsep/msg src/wire/http src/wire/http_value \
	src/wire/path src/http-parser/conns
UNIT += dhcp4 dhcp4_reply frame
OBJ_test_dhcp4 := $(BASE) $(DHCP4_DECODE)
UNIT += dhcp4_fields dhcp4_quirks dhcp4_reply_options
OBJ_test_dhcp4_fields := $(BASE) $(DHCP4_DECODE)
OBJ_test_dhcp4_quirks := $(BASE) $(DHCP4_DECODE)
OBJ_test_dhcp4_reply_options := $(BASE) $(DHCP4_ENCODE) tests/lib/dhcp4_check
OBJ_test_dhcp4_reply := $(BASE) $(DHCP4_DECODE) $(DHCP4_ENCODE) \
	tests/lib/dhcp4_check
OBJ_test_frame := $(BASE) src/wire/frame
DHCP4_SHOW := src/wire/dhcp4_show src/wire/dhcp4_show_value
UNIT += dhcp4_client
OBJ_test_dhcp4_client := $(BASE) src/wire/dhcp4_client $(DHCP4_DECODE)
UNIT += dhcp4_show
OBJ_test_dhcp4_show := $(BASE) $(DHCP4_SHOW)
UNIT += outbox
OBJ_test_outbox := $(BASE) src/dhcp-sender/outbox
UNIT += reply_check
OBJ_test_reply_check := $(BASE) src/wire/dhcp4_options src/dhcp-sender/reply_check

UNIT += conf conf_errors
OBJ_test_conf := $(BASE) $(CONF)
OBJ_test_conf_errors := $(BASE) $(CONF) tests/lib/conf_wrong
UNIT += conf_levels conf_level_errors conf_print
OBJ_test_conf_levels := $(BASE) $(CONF)
OBJ_test_conf_level_errors := $(BASE) $(CONF) tests/lib/conf_wrong
OBJ_test_conf_print := $(BASE) $(CONF) tests/lib/conf_same
UNIT += option scope conf_csv
OBJ_test_conf_csv := $(BASE) $(CONF) tests/lib/conf_same
OBJ_test_option := $(BASE) policy/option policy/option_show
OBJ_test_scope := $(BASE) policy/scope

UNIT += tftp_xfer memfds http_reply
OBJ_test_tftp_xfer := $(BASE) src/file-sender/tftp_xfer
UNIT += tftp_link netascii
OBJ_test_tftp_link := $(BASE) src/file-sender/tftp_xfer
OBJ_test_netascii := $(BASE) src/file-sender/netascii
UNIT += sender_paths
OBJ_test_sender_paths := $(CHILD) tests/lib/sender_rig
UNIT += tftp_engine
OBJ_test_tftp_engine := $(CHILD) src/wire/tftp tests/lib/tftp_kernel \
	$(addprefix src/file-sender/,caps timers memfds netascii tftp_xfer tftp_out tftp_in \
		tftp_table tftp_blocks tftp)
OBJ_test_memfds := $(BASE) src/file-sender/memfds src/file-sender/caps src/file-sender/timers
OBJ_test_http_reply := $(BASE) src/file-sender/http_reply
UNIT += sender_tftp sender_http sender_clients
OBJ_test_sender_tftp := $(CHILD) tests/lib/sender_rig
OBJ_test_sender_http := $(CHILD) tests/lib/sender_rig
OBJ_test_sender_clients := $(CHILD) src/wire/tftp tests/lib/sender_rig

UNIT += store
OBJ_test_store := $(BASE) src/broker/record src/broker/store
LIB_test_store := -llmdb
UNIT += store_crash
OBJ_test_store_crash := $(BASE) src/broker/record src/broker/store tests/lib/tape
LIB_test_store_crash := -Wl,--wrap=mdb_env_open -llmdb
UNIT += pool match session lease dhcp_decide dhcp_boot
OBJ_test_pool := $(BASE) $(CONF) policy/pool
OBJ_test_match := $(BASE) $(CONF) policy/match
OBJ_test_session := $(BASE) src/base/hash src/broker/session
OBJ_test_lease := $(BASE) $(CONF) src/base/hash $(LEASE)
UNIT += lease_rules lease_model
OBJ_test_lease_rules := $(OBJ_test_lease)
OBJ_test_lease_model := $(OBJ_test_lease) src/broker/record
RIG := $(CHILD) $(CONF) $(BROKER_DHCP) src/broker/broker src/broker/image src/broker/memfd src/broker/fetch \
	src/wire/dhcp4_options src/dhcp-sender/reply_check src/dhcp-sender/outbox src/dhcp-sender/probe_check \
	tests/lib/dhcprig
OBJ_test_dhcp_decide := $(RIG)
LIB_test_dhcp_decide := -llmdb
OBJ_test_dhcp_boot := $(RIG)
LIB_test_dhcp_boot := -llmdb
UNIT += dhcp_proxy dhcp_quirks dhcp_rules dhcp_limits
OBJ_test_dhcp_proxy := $(RIG)
LIB_test_dhcp_proxy := -llmdb
OBJ_test_dhcp_quirks := $(RIG)
LIB_test_dhcp_quirks := -llmdb
OBJ_test_dhcp_rules := $(RIG)
LIB_test_dhcp_rules := -llmdb
UNIT += dhcp_reload
OBJ_test_dhcp_reload := $(RIG)
LIB_test_dhcp_reload := -llmdb
OBJ_test_dhcp_limits := $(RIG)
LIB_test_dhcp_limits := -llmdb
UNIT += dhcp_edges
OBJ_test_dhcp_edges := $(RIG)
LIB_test_dhcp_edges := -llmdb

UNIT += names http_rules image render broker_files broker_texts
BROKER_RIG := $(CHILD) $(CONF) $(BROKER_FILES) src/broker/session tests/lib/broker_rig
OBJ_test_names := src/broker/names
OBJ_test_http_rules := src/broker/http_rules
OBJ_test_image := $(BROKER_RIG)
OBJ_test_render := $(BROKER_RIG)
OBJ_test_broker_files := $(BROKER_RIG) src/file-sender/http_reply
UNIT += fetch
OBJ_test_fetch := $(OBJ_test_broker_files)
OBJ_test_broker_texts := $(BROKER_RIG)
UNIT += broker_open conf_open
OBJ_test_broker_open := $(BROKER_RIG)
OBJ_test_conf_open := $(BASE) $(CONF) tests/lib/conf_same tests/lib/conf_wrong
UNIT += broker_loop
OBJ_test_broker_loop := $(BROKER_RIG) $(BROKER_DHCP) $(CONTROL) src/broker/loop
LIB_test_broker_loop := -llmdb

UNIT += manifest template keyring minisign floor
OBJ_test_manifest := $(BASE) policy/lines policy/paths policy/when policy/manifest \
	policy/manifest_print
OBJ_test_template := $(BASE) policy/lines policy/paths policy/when policy/manifest \
	policy/template
OBJ_test_keyring := $(BASE) policy/lines policy/paths policy/minisign policy/keyring
LIB_test_keyring := -lsodium
OBJ_test_minisign := $(BASE) policy/lines policy/minisign src/tools/secret
LIB_test_minisign := -lsodium
OBJ_test_floor := $(BASE) policy/paths policy/floor
LIB_test_floor := -lsodium
UNIT += verifier
OBJ_test_verifier := $(CHILD) $(IMAGE_RULES) src/verifier/store src/verifier/sha256 \
	src/verifier/sealed src/verifier/queue src/verifier/fill src/verifier/hasher \
	src/verifier/floorfile src/verifier/image src/verifier/catalog src/verifier/cache \
	src/verifier/texts src/verifier/load src/verifier/tell src/verifier/render \
	src/tools/secret
LIB_test_verifier := -lsodium -lcrypto
UNIT += cache
OBJ_test_cache := $(OBJ_test_verifier)
LIB_test_cache := -lsodium -lcrypto
UNIT += hash_queue
OBJ_test_hash_queue := $(BASE) src/verifier/queue
UNIT += fill
OBJ_test_fill := $(BASE) src/verifier/store src/verifier/sha256 src/verifier/fill
LIB_test_fill := -lcrypto

# ----------------------------------------------------------------- fuzz targets
# FUZZ lists fuzz/fuzz_NAME.c (each defines fuzz_one); corpus in fuzz/corpus/NAME/.

FUZZ := msg
OBJ_fuzz_msg := $(BASE) privsep/roles privsep/msg
FUZZ += chan
OBJ_fuzz_chan := $(CHILD)
FUZZ += tftp path http conns
OBJ_fuzz_tftp := $(BASE) src/wire/tftp src/wire/path
OBJ_fuzz_path := $(BASE) src/wire/path
OBJ_fuzz_http := $(BASE) src/wire/http src/wire/http_value src/wire/path
FUZZ += requests
OBJ_fuzz_requests := $(BASE) privsep/roles privsep/msg src/wire/http src/wire/http_value \
	src/wire/path src/http-parser/conns
OBJ_fuzz_conns := $(BASE) privsep/roles privsep/msg src/wire/http src/wire/http_value \
	src/wire/path src/http-parser/conns
FUZZ += dhcp4
OBJ_fuzz_dhcp4 := $(BASE) $(DHCP4_DECODE) $(DHCP4_ENCODE) tests/lib/dhcp4_check
FUZZ += dhcp4_client
OBJ_fuzz_dhcp4_client := $(OBJ_test_dhcp4_client)
FUZZ += dhcp4_show
OBJ_fuzz_dhcp4_show := $(OBJ_test_dhcp4_show)

FUZZ += manifest minisign keyring template
OBJ_fuzz_manifest := $(OBJ_test_manifest)
OBJ_fuzz_minisign := $(OBJ_test_minisign)
LIB_fuzz_minisign := -lsodium
OBJ_fuzz_keyring := $(OBJ_test_keyring)
LIB_fuzz_keyring := -lsodium
OBJ_fuzz_template := $(OBJ_test_template)

# ----------------------------------------------------------------- test helpers
# tests/lib/NAME.c: programs that the system tests run.

HELPERS := pxeclient
OBJ_pxeclient := src/base/buf src/base/clock src/base/ident src/base/err tests/lib/dhcpreply
HELPERS += controlclient
HELPERS += httpknock
OBJ_httpknock := tests/lib/httpknock
HELPERS += httpcrowd
OBJ_httpcrowd := tests/lib/httpcrowd
HELPERS += uncaged-sender
OBJ_uncaged-sender := $(CHILD) $(SENDER)
HELPERS += keysrig
OBJ_keysrig := $(CHILD) privsep/spawn
LIB_keysrig := -lcrypto
HELPERS += verifierrig
OBJ_verifierrig := $(CHILD) privsep/spawn
HELPERS += mkleases
OBJ_mkleases := $(BASE) src/broker/record
LIB_mkleases := -llmdb

FUZZ += conf
OBJ_fuzz_conf := $(BASE) $(CONF) tests/lib/conf_same
FUZZ += option hosts_csv
OBJ_fuzz_hosts_csv := $(BASE) $(CONF) tests/lib/conf_same
OBJ_fuzz_option := $(OBJ_test_option)

FUZZ += tftp_xfer
OBJ_fuzz_tftp_xfer := $(BASE) src/file-sender/tftp_xfer
FUZZ += netascii
OBJ_fuzz_netascii := $(BASE) src/file-sender/netascii

FUZZ += broker_dhcp
OBJ_fuzz_broker_dhcp := $(RIG)
LIB_fuzz_broker_dhcp := -llmdb

FUZZ += broker_files
OBJ_fuzz_broker_files := $(BROKER_RIG)

FUZZ += floor record http_reply reply_check
OBJ_fuzz_floor := $(OBJ_test_floor)
LIB_fuzz_floor := -lsodium
OBJ_fuzz_record := $(BASE) src/broker/record
OBJ_fuzz_http_reply := $(OBJ_test_http_reply)
OBJ_fuzz_reply_check := $(BASE) privsep/roles privsep/msg src/wire/dhcp4_options \
	src/dhcp-sender/reply_check src/dhcp-sender/outbox \
	src/wire/frame

UNIT += link
OBJ_test_link := $(BASE) privsep/roles privsep/msg src/wire/arp src/wire/icmp src/wire/frame \
	src/wire/dhcp4_client src/link-parser/heard
UNIT += probe rogue
OBJ_test_probe := $(RIG)
LIB_test_probe := -llmdb
OBJ_test_rogue := $(RIG)
LIB_test_rogue := -llmdb
FUZZ += probe
OBJ_fuzz_probe := $(RIG)
LIB_fuzz_probe := -llmdb
FUZZ += heard
OBJ_fuzz_heard := $(OBJ_test_link)

SUPERVISOR := $(CHILD) privsep/spawn privsep/supervisor privsep/roster privsep/deaths \
	privsep/notice privsep/sockets privsep/sockets_link privsep/sockets_v6 privsep/setup privsep/reload \
	privsep/listener privsep/spec
UNIT += spec
OBJ_test_spec := $(CHILD) privsep/spawn privsep/spec
UNIT += notice
OBJ_test_notice := $(SUPERVISOR)
LIB_test_notice := -lseccomp
FUZZ += notice
OBJ_fuzz_notice := $(SUPERVISOR)
LIB_fuzz_notice := -lseccomp

FUZZ += render
OBJ_fuzz_render := $(CHILD) policy/lines policy/paths policy/when policy/manifest \
	policy/template src/verifier/store src/verifier/sha256 src/verifier/sealed \
	src/verifier/queue src/verifier/fill src/verifier/hasher src/verifier/image \
	src/verifier/catalog src/verifier/cache src/verifier/tell src/verifier/render
LIB_fuzz_render := -lsodium -lcrypto

FUZZ += sender
OBJ_fuzz_sender := $(CHILD) $(filter-out %_main,$(SENDER))

# Process tls without its main.
TLS_RIG = $(CHILD) $(PROVIDER) src/tls/stacks src/tls/signer src/tls/tickets src/tls/certs \
	src/tls/context src/tls/conn src/tls/bio src/tls/session src/tls/intake \
	tests/lib/certs tests/lib/tlsrig
UNIT += tls
OBJ_test_tls = $(TLS_RIG)
LIB_test_tls := -lssl -lcrypto
FUZZ += tls
OBJ_fuzz_tls = $(TLS_RIG)
LIB_fuzz_tls := -lssl -lcrypto
UNIT += broker_https
OBJ_test_broker_https := $(BROKER_RIG)

UNIT += control
CONTROL_RIG := $(RIG) $(CONTROL) tests/lib/controlrig
OBJ_test_control := $(CONTROL_RIG)
LIB_test_control := -llmdb
FUZZ += control
OBJ_fuzz_control := $(CONTROL_RIG)
LIB_fuzz_control := -llmdb
UNIT += capture
OBJ_test_capture := $(BASE) $(DHCP4_DECODE) src/sallyport/capture src/sallyport/request
FUZZ += capture
OBJ_fuzz_capture := $(BASE) src/sallyport/capture
UNIT += leasefile
OBJ_test_leasefile := $(BASE) $(LEASEFILE)
FUZZ += leasefile
OBJ_fuzz_leasefile := $(BASE) $(LEASEFILE)

UNIT += tls_sign
OBJ_test_tls_sign := $(BASE) src/wire/tls_sign
LIB_test_tls_sign := -lcrypto
# OpenSSL's private keys that are in another process.
PROVIDER := src/wire/tls_sign src/tls/provider src/tls/provider_key src/tls/provider_sign \
	src/tls/provider_decrypt
UNIT += provider
OBJ_test_provider := $(BASE) $(PROVIDER)
LIB_test_provider := -lssl -lcrypto
FUZZ += keys
OBJ_fuzz_keys := $(CHILD) $(KEYS) tests/lib/certs
LIB_fuzz_keys := -lcrypto
UNIT += tls_cert
OBJ_test_tls_cert := $(BASE) $(IMAGE_RULES) src/verifier/store src/verifier/sha256 \
	src/tools/tool src/tools/tls_cert
LIB_test_tls_cert := -lsodium -lcrypto
UNIT += keys
OBJ_test_keys := $(CHILD) $(KEYS) tests/lib/certs
LIB_test_keys := -lcrypto
FUZZ += tls_sign
OBJ_fuzz_tls_sign := $(BASE) src/wire/tls_sign

# ------------------------------------------------------------------------ rules

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

all: $(addprefix $(B)/bin/,$(PROGRAMS))

obj = $(addprefix $(B)/obj/,$(addsuffix .o,$(1)))

# A program is linked from the objects it names, static unless it needs libraries.
define program
$(B)/bin/$(1): $$(call obj,$$(OBJ_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(if $$(STATIC_$(1)),$$(STATIC),$$(LDFLAGS)) -o $$@ $$^ $$(LIB_$(1))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

define unit_test
$(B)/test/test_$(1): $$(call obj,tests/unit/test_$(1) $$(OBJ_test_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_test_$(1)) -lcmocka
endef
$(foreach t,$(UNIT),$(eval $(call unit_test,$(t))))

# libFuzzer and AFL++ bring their own main; elsewhere replay.c runs files.
define fuzz_target
$(B)/fuzz/$(1): $$(call obj,fuzz/fuzz_$(1) $$(OBJ_fuzz_$(1)) \
		$$(if $$(filter fuzz,$$(KIND)),fuzz/libfuzzer,$$(if $$(filter afl,$$(KIND)),fuzz/afl,fuzz/replay)))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_fuzz_$(1))
endef
$(foreach t,$(FUZZ),$(eval $(call fuzz_target,$(t))))

define helper
$(B)/testbin/$(1): $$(call obj,tests/lib/$(1) $$(OBJ_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIB_$(1))
endef
$(foreach h,$(HELPERS),$(eval $(call helper,$(h))))

# These tests run the program: in its cage, or under the sanitizers.
$(addprefix $(B)/test/test_sender_,tftp paths http clients): \
	| $(if $(filter san cov,$(KIND)),$(B)/testbin/uncaged-sender,$(B)/bin/file-sender)

helpers: $(addprefix $(B)/testbin/,$(HELPERS))

# Load generators.
LOADS := dhcpload tftpload httpload stormload
LOAD_dhcpload := tests/bench/load tests/bench/dhcp_packet
LOAD_tftpload := tests/bench/load tests/bench/tftp_client
LOAD_httpload := tests/bench/load tests/bench/http_client
LIB_httpload := -lssl -lcrypto
LOAD_stormload := $(LOAD_tftpload) tests/bench/http_client tests/bench/dhcp_packet
LIB_stormload := -lssl -lcrypto
define load
$(B)/testbin/$(1): $$(call obj,tests/bench/$(1) $(LOAD_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $(LIB_$(1))
endef
$(foreach l,$(LOADS),$(eval $(call load,$(l))))
loads: $(addprefix $(B)/testbin/,$(LOADS))

# The system-call sweep, one program a role: the supervisor's own parts start the real
# executable; the role's table says what must live.
SWEEP := $(CHILD) privsep/spawn privsep/supervisor privsep/roster privsep/deaths \
	privsep/notice privsep/sockets privsep/sockets_link privsep/sockets_v6 privsep/setup privsep/reload \
	privsep/listener privsep/spec tests/walls/inject tests/walls/rig
define sweep
$(B)/obj/tests/walls/sweep-$(1).o: tests/walls/sweep.c
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(CFLAGS) -DSWEEP_ROLE='"$(1)"' -MMD -MP -c -o $$@ $$<
$(B)/test/sweep-$(1): $$(call obj,tests/walls/sweep-$(1) policy/cage/$(1) $$(SWEEP))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ -lseccomp
endef
$(foreach r,$(ROLES),$(eval $(call sweep,$(r))))

$(B)/test/mute: $(call obj,tests/walls/mute $(SWEEP))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lseccomp

# What the tests of the walls run: tools, and a stand-in for each ear with its real cage.
WALL_TOOLS := deny injure
$(B)/testbin/deny: $(call obj,tests/walls/deny)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lseccomp
$(B)/testbin/injure: $(call obj,tests/walls/injure tests/walls/inject)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(B)/testbin/probe: $(call obj,tests/hostile/probe src/base/clock)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
EARS := dhcp-parser tftp-parser http-parser link-parser
define standin
$(B)/obj/tests/hostile/standin-$(1).o: tests/hostile/standin.c
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(CFLAGS) -DSTANDIN_ROLE='"$(1)"' -MMD -MP -c -o $$@ $$<
$(B)/standin/$(1): $$(call obj,tests/hostile/standin-$(1) $$(call CAGED,$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(STATIC) -o $$@ $$^
endef
$(foreach e,$(EARS),$(eval $(call standin,$(e))))
$(B)/standin/tls: $(call obj,tests/hostile/standin_tls) $(call obj,$(call CAGED,tls))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(STATIC) -o $@ $^
wall-tools: $(addprefix $(B)/testbin/,$(WALL_TOOLS) probe) \
	$(addprefix $(B)/standin/,$(EARS) tls)

sweeps: $(B)/test/mute $(addprefix $(B)/test/sweep-,$(ROLES))
unit-tests: $(addprefix $(B)/test/test_,$(UNIT))
fuzz-targets: $(addprefix $(B)/fuzz/,$(FUZZ))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(B)/gen $(CFLAGS) -MMD -MP -c -o $@ $<

# These hold the paths of the installation: other paths, other objects.
PATHS := $(LIBEXECDIR) $(SYSCONFDIR) $(STATEDIR) $(RUNDIR) $(VERSION)
$(B)/paths: always
	@mkdir -p $(@D)
	@echo '$(PATHS)' | cmp -s - $@ || echo '$(PATHS)' >$@
$(call obj,src/sallyportd/sallyportd_main policy/conf tests/unit/test_conf \
	privsep/roster src/sallyport/sallyport_main src/sallyport/client \
	$(addprefix src/tools/,tool image_main image_trust image_install image_tls)): $(B)/paths

# Not make's own rules for these: they would write over policy/conf.c.
%.c: %.y
%.c: %.l

# The configuration's scanner and grammar; what flex and bison write meets all warnings.
$(B)/gen/policy/conf_grammar.c $(B)/gen/policy/conf_grammar.h &: policy/conf.y
	@mkdir -p $(@D)
	bison -Werror -o $(B)/gen/policy/conf_grammar.c --header=$(B)/gen/policy/conf_grammar.h $<
$(B)/gen/policy/conf_scan.c: policy/conf.l
	@mkdir -p $(@D)
	flex -o $@ $<
$(B)/obj/gen/policy/conf_scan.o: $(B)/gen/policy/conf_grammar.h

# A role's filter: its rule table, compiled to BPF by a small program at build time, so
# that what is loaded can be reviewed and no role needs libseccomp.
$(B)/gen/cage/%.c: build/host/cage-%
	@mkdir -p $(@D)
	$< c > $@
build/host/cage-%: policy/cage/%.c privsep/cage_export.c privsep/cage_rules.h privsep/roles.h privsep/cage.h
	@mkdir -p $(@D)
	gcc -I. -D_GNU_SOURCE -std=c17 -O1 -g -Wall -Wextra -Werror -o $@ $< privsep/cage_export.c -lseccomp

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ------------------------------------------------------------------------ tests

# What a script wants to know of the lists above.
print-%:
	@echo $($*)

check:
	@tests/run.sh check
check-boot:
	@tests/run.sh boot
check-walls:
	@tests/run.sh walls
bench-dhcp: all loads
	@tests/bench/dhcp.sh
bench-files: all loads
	@tests/bench/files.sh
	@tests/bench/verify.sh
bench-storm: all loads
	@tests/bench/storm.sh
bench-verify: all loads
	@tests/bench/verify.sh
bench: all loads
	@tests/bench/dhcp.sh
	@tests/bench/files.sh
	@tests/bench/verify.sh
	@tests/bench/storm.sh
T ?= 120
fuzz-smoke:
	@tests/fuzz_smoke.sh $(T)
fuzz:
	@tests/fuzz_afl.sh "$(TARGET)" $(if $(filter command line,$(origin T)),$(T))
coverage:
	@tests/coverage.sh
layers: all
	@tests/layers.sh
hardening: all
	@tests/hardening.sh $(B)/bin
lint:
	@tests/lint.sh
FIRMWARE ?= bios
demo:
	@examples/demo.sh $(FIRMWARE)
serve:
	@POOL="$(POOL)" examples/serve.sh $(INTERFACE)

# ---------------------------------------------------------------------- install
# What is there already of configuration, keys and state stays as it is. The broker's
# directory is made at the first start, by whoever knows its user.

SBINDIR := $(PREFIX)/sbin
BINDIR := $(PREFIX)/bin
MANDIR := $(PREFIX)/share/man
DOCDIR := $(PREFIX)/share/doc/sallyport
UNITDIR := $(PREFIX)/lib/systemd/system
SYSUSERSDIR := $(PREFIX)/lib/sysusers.d
CONFDIR := $(SYSCONFDIR)/sallyport
FILL := sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' \
	-e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@STATEDIR@|$(STATEDIR)|g'

install: all
	install -d -m 755 $(addprefix $(DESTDIR),$(SBINDIR) $(BINDIR) $(LIBEXECDIR) $(DOCDIR) \
		$(UNITDIR) $(SYSUSERSDIR) $(CONFDIR) $(STATEDIR) $(STATEDIR)/images)
	install -d -m 700 $(DESTDIR)$(STATEDIR)/verifier
	install -m 755 $(B)/bin/sallyportd $(DESTDIR)$(SBINDIR)
	install -m 755 $(B)/bin/sallyport-image $(B)/bin/sallyport $(DESTDIR)$(BINDIR)
	install -m 755 $(addprefix $(B)/bin/,$(ROLES)) $(DESTDIR)$(LIBEXECDIR)
	install -m 644 examples/minimal.conf examples/full.conf examples/https.conf examples/keyring $(DESTDIR)$(DOCDIR)
	$(FILL) packaging/sallyport.service >$(DESTDIR)$(UNITDIR)/sallyport.service
	chmod 644 $(DESTDIR)$(UNITDIR)/sallyport.service
	install -m 644 packaging/sysusers.d/sallyport.conf $(DESTDIR)$(SYSUSERSDIR)
	for page in docs/man/*.[1-8]; do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit; \
	done
	test -e $(DESTDIR)$(CONFDIR)/sallyport.conf || \
		install -m 644 examples/minimal.conf $(DESTDIR)$(CONFDIR)/sallyport.conf
	test -e $(DESTDIR)$(CONFDIR)/keyring || \
		install -m 644 examples/keyring $(DESTDIR)$(CONFDIR)/keyring
	test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || packaging/users.sh

# Configuration, keys, state and users stay.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/sallyportd $(DESTDIR)$(BINDIR)/sallyport-image \
		$(DESTDIR)$(BINDIR)/sallyport \
		$(addprefix $(DESTDIR)$(LIBEXECDIR)/,$(ROLES)) \
		$(addprefix $(DESTDIR)$(DOCDIR)/,minimal.conf full.conf https.conf keyring) \
		$(DESTDIR)$(UNITDIR)/sallyport.service $(DESTDIR)$(SYSUSERSDIR)/sallyport.conf
	for page in docs/man/*.[1-8]; do \
		rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	for dir in $(addprefix $(DESTDIR),$(LIBEXECDIR) $(DOCDIR)); do \
		test ! -d $$dir || rmdir --ignore-fail-on-non-empty $$dir; done

clean:
	rm -rf build

.PHONY: all always helpers bench bench-dhcp bench-files bench-storm bench-verify loads unit-tests fuzz-targets check check-boot check-walls fuzz-smoke fuzz coverage layers hardening \
	lint demo serve install uninstall clean
