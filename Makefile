# stopbench
#
#   make                  build everything into build/
#   make bench-shutdown   run the shutdown benchmark (installs what is missing)
#   make test             unit and integration tests (installs what is missing)
#   make bench            how fast and how true, as ratios (ONLY=truth: one part)
#   make bench-gate       how often the gate is wrong, on real stops (docs/gate.md)
#   make bench-swarm      100,000 requests through 50 rolling updates (docs/benchmark.md)
#   make bench-peers      the mocks beside others, from npm (docs/benchmark.md)
#   make bench-http2      what HTTP/2 costs mock-agent, beside HTTP/1.1
#   make bench-starts     ways to start 2,000 MCP servers (COUNT=100: fewer)
#   make foreign          stop programs of Debian's and npm's packages (foreign/README.md);
#                         ENGINE=process or ENGINE=docker: on that engine alone
#   make interop          official clients of npm against the mocks (interop/README.md);
#                         PART=anthropic: one part alone
#   make install          install it below PREFIX (/usr/local); DESTDIR for packages
#   make uninstall        remove what that has installed
#   make deb              a Debian package, in build/
#   make images           stopbench's Docker images, for compose.test.yml
#   make deps             install what is missing, nothing else
#   make format           clang-format over the sources
#   make clean            remove what was built
#   make help             this text
#
# Knobs:
#   SAN=1      address and undefined-behaviour sanitizers, in a tree of their own
#   V=1        show the commands
#   WERROR=1   warnings are errors (set where a machine builds)
#   PREFIX, DESTDIR, CC, CFLAGS, LDFLAGS as usual

CC       ?= gcc
V        ?=
SAN      ?=
WERROR   ?=
PREFIX   ?= /usr/local

out      := build$(if $(SAN),-san)
packages := libuv libcurl libnghttp2 libmicrohttpd gnutls libcjson sqlite3 smartcols libprotobuf-c
pkgconf   = $(shell pkg-config $(1) $(2) 2>/dev/null)

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wcast-qual -Wformat=2 -Wundef -Wvla -Wswitch-enum \
	-Wimplicit-fallthrough=5 -Wnull-dereference -Wconversion -Wno-sign-conversion \
	$(if $(WERROR),-Werror)
hardened := -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE
checked  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
all_cflags = -std=c17 -D_GNU_SOURCE -I. -g $(warnings) $(if $(SAN),$(checked),$(hardened)) \
	$(call pkgconf,--cflags,$(packages)) $(CFLAGS)
all_ldflags = $(if $(SAN),-fsanitize=address$(,)undefined,-pie -Wl,-z,relro,-z,now) \
	-Wl,--as-needed $(LDFLAGS)
, := ,

say       = $(if $(V),,@echo "  $(1)	$(patsubst $(out)/%,%,$@)";)
objects   = $(patsubst %.c,$(out)/%.o,$(wildcard $(addsuffix /*.c,$(1))))
without   = $(filter-out $(out)/%/main.o,$(1))

lib          := $(call objects,lib)
service      := $(call objects,service service/agent service/cli service/mcp)
mock_agent   := $(call objects,mock-agent $(addprefix mock-agent/,faults api session answer messages openai))
# The stand-in CLI, with the tables that describe it.
mock_cli     := $(call objects,mock-agent/cli) $(addprefix $(out)/mock-agent/faults/,behavior.o cli_behavior.o rate_limit.o tool_calls.o)
mock_mcp     := $(call objects,mock-mcp $(addprefix mock-mcp/,rpc features stdio))
mock_mcp_http := $(call without,$(call objects,mock-mcp $(addprefix mock-mcp/,rpc features))) $(call objects,mock-mcp/http)
# A contract fake of Kubernetes' API, for tests (kube-fake/README.md).
kube_fake    := $(call objects,kube-fake)
balancer     := $(call objects,balancer)
# The tables of the mocks' behavior: with them a scenario is checked before it is run.
behavior     := $(addprefix $(out)/,mock-agent/faults/behavior.o mock-agent/faults/cli_behavior.o mock-agent/faults/rate_limit.o mock-agent/faults/tool_calls.o mock-mcp/behavior.o)
harness      := $(call objects,harness $(addprefix harness/,scenario engine engine/docker engine/cri run judge judge/diagnose \
	fleet rollout picture results report format format/html stats compare check campaign target witness command))
harness      += $(out)/harness/engine/cri/cri.pb-c.o
harness      += $(call objects,harness/cluster $(addprefix harness/cluster/,swarm kubernetes))
bench        := $(filter-out $(addprefix $(out)/bench/,bare.o timed.o),$(call objects,bench))
bench_gate   := $(call objects,bench/gate) $(out)/bench/rig.o $(out)/bench/samples.o
test_support := $(call objects,test/support)
subjects     := $(patsubst scenarios/subjects/%.c,$(out)/subjects/%,$(wildcard scenarios/subjects/*.c))
unit_tests   := $(patsubst %.c,$(out)/%,$(wildcard */test/test_*.c harness/*/test/test_*.c))
test_scripts := $(wildcard test/[0-9]*.sh)
programs     := $(addprefix $(out)/bin/,stopbench service mock-agent mock-cli mock-mcp mock-mcp-http balancer)
test_programs := $(out)/bin/kube-fake

.PHONY: all
all: $(programs) $(test_programs) $(subjects)

$(out)/bin/stopbench: $(harness) $(behavior) $(lib)
$(out)/bin/service: $(service) $(lib)
$(out)/bin/balancer: $(balancer) $(lib)
# Without libcurl, which would bring some twenty libraries and more than a third of its memory.
$(out)/bin/mock-agent: $(mock_agent) $(filter-out $(out)/lib/fetch%,$(lib))
$(out)/bin/mock-cli: $(mock_cli) $(lib)
# Thousands of these run side by side: only what it uses, so that it stays small.
$(out)/bin/mock-mcp: $(mock_mcp) $(addprefix $(out)/lib/,buf.o clock.o completion.o err.o fd_limit.o fields.o fields_help.o fields_schema.o fields_value.o fs.o json.o json_fill.o json_scan.o json_write.o latency.o lifeline.o lines.o log.o loop_timer.o man_page.o mem.o options.o reaction.o rng.o settings.o signals.o standard_files.o stdin_lines.o stdout_lines.o strlist.o suggest.o utf8.o)

# The same over HTTP, whose libraries are large.
$(out)/bin/mock-mcp-http: $(mock_mcp_http) $(lib)

$(out)/bin/kube-fake: $(kube_fake) $(filter-out $(out)/lib/fetch%,$(lib))

$(programs) $(test_programs):
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(all_ldflags) -o $@ $^ $(LDLIBS)

# All the memory of thousands of sessions is freed at once. Where mimalloc is installed, that
# takes a third of the time. A sanitizer has an allocator of its own.
mimalloc := $(if $(SAN),,$(shell echo '\#include <mimalloc.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo -lmimalloc))
$(addprefix $(out)/bin/,service mock-agent): LDLIBS := $(mimalloc) $(call pkgconf,--libs,$(packages)) -lm
$(out)/bin/mock-mcp: LDLIBS := $(call pkgconf,--libs,libuv libcjson) -lm
$(out)/bin/%: LDLIBS := $(call pkgconf,--libs,$(packages)) -lm

$(out)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(all_cflags) -MMD -MP -c -o $@ $<

# Messages that are made of a .proto file, and who includes them.
cri_messages := $(out)/harness/engine/cri/cri.pb-c
$(cri_messages).c: harness/engine/cri/cri.proto
	@mkdir -p $(@D)
	$(call say,PROTO)protoc-c --c_out=$(@D) --proto_path=$(<D) $(<F)
$(cri_messages).o: $(cri_messages).c
	$(call say,CC)$(CC) $(filter-out -W%,$(all_cflags)) -c -o $@ $<
$(call objects,harness/engine/cri): all_cflags += -isystem $(out)
$(call objects,harness/engine/cri): | $(cri_messages).c

# What lib/embed.h puts into an object.
$(out)/harness/command/cmd_explain.o: harness/scenario/diagnoses.md
$(out)/harness/judge/stacks.o: harness/judge/stacks.json
$(out)/harness/format/html/html_page.o: $(addprefix harness/format/html/,page.css page.js)

# Wrong in one way each, and in one file each. Never sanitized: that would change the way
# in which they are wrong.
$(out)/subjects/%: scenarios/subjects/%.c
	@mkdir -p $(@D)
	$(call say,SUBJECT)$(CC) $(filter-out $(checked),$(all_cflags)) -pie -fPIE -MMD -MP -MF $(out)/subjects/$*.d -o $@ $<

# A test links its program without main, what else is in its folder, and what all tests
# share; the programs themselves are there when it runs.
puppet := $(out)/harness/engine/test/puppet
define tests
$(out)/$(1)/test/test_%: $(out)/$(1)/test/test_%.o \
		$(patsubst %.c,$(out)/%.o,$(filter-out $(1)/test/test_%.c %/puppet.c,$(wildcard $(1)/test/*.c))) \
		$(test_support) $(call without,$(2)) $(lib) | $(programs) $(test_programs) $(subjects) $(puppet)
	$$(call say,TEST)$$(CC) $$(all_ldflags) -o $$@ $$^ $$(call pkgconf,--libs,$$(packages) cmocka) -lm
endef
$(eval $(call tests,lib))
$(eval $(call tests,service,$(service)))
$(eval $(call tests,mock-agent,$(mock_agent) $(call objects,mock-agent/cli)))
$(eval $(call tests,kube-fake,$(kube_fake)))
$(eval $(call tests,mock-mcp,$(mock_mcp) $(call without,$(mock_mcp_http))))
$(eval $(call tests,balancer,$(balancer)))
$(foreach folder,harness $(addprefix harness/,scenario engine run judge fleet rollout picture results report format stats compare check target witness), \
	$(eval $(call tests,$(folder),$(harness) $(behavior))))
$(eval $(call tests,harness/cluster,$(harness) $(behavior)))

# Pictures are drawn of the judge's scenes.
$(addprefix $(out)/harness/picture/test/,test_chain test_lanes test_prediction): $(out)/harness/judge/test/scene.o

# What engines stop in their tests.
$(puppet): harness/engine/test/puppet.c
	@mkdir -p $(@D)
	$(call say,SUBJECT)$(CC) $(all_cflags) $(all_ldflags) -MMD -MP -MF $@.d -o $@ $<

# Both install what is missing first, and then start over: pkg-config knows more then.
.PHONY: test bench-shutdown
test: deps
	@$(MAKE) --no-print-directory all tests-built
	@PROGRAMS=$(out)/bin sh test/run $(unit_tests) $(test_scripts)

bench-shutdown: deps
	@$(MAKE) --no-print-directory all
	@$(out)/bin/stopbench run --format proved scenarios/history scenarios/baseline

# The clients of npm's packages, against build/bin.
.PHONY: interop
interop: deps
	@$(MAKE) --no-print-directory all
	@PROGRAMS=$(out)/bin interop/run $(PART)

kinds := $(patsubst foreign/apps/kinds/%.c,$(out)/foreign/%,$(wildcard foreign/apps/kinds/*.c))

.PHONY: foreign
foreign: deps
	@sh foreign/install
	@$(MAKE) --no-print-directory all $(out)/foreign/Drain.class $(kinds)
	@sh foreign/run $(ENGINE)

$(out)/foreign/%.class: foreign/apps/%.java
	@mkdir -p $(@D)
	$(call say,JAVA)ecj -17 -proc:none -d $(@D) $<

# Never sanitized: each is wrong in its own way.
$(out)/foreign/%: foreign/apps/kinds/%.c
	@mkdir -p $(@D)
	$(call say,SUBJECT)$(CC) -O1 -pthread -Wall -Wextra -o $@ $<

# Programs find each other by their own place: build/bin with build/subjects beside it
# becomes lib/stopbench/bin, and bin/ has links to it.
installed := $(DESTDIR)$(PREFIX)
commands  := stopbench mock-agent mock-cli mock-mcp balancer
share     := $(installed)/share

$(out)/man: $(programs) packaging/man-pages
	$(call say,MAN)rm -rf $@ && sh packaging/man-pages $(out)/bin $@

.PHONY: install
install: all $(out)/man
	install -d $(installed)/bin $(installed)/lib/stopbench/bin $(installed)/lib/stopbench/subjects
	install $(programs) $(installed)/lib/stopbench/bin
	install $(subjects) $(installed)/lib/stopbench/subjects
	for name in $(commands); do ln -sf ../lib/stopbench/bin/$$name $(installed)/bin/$$name; done
	for file in scenarios/README.md scenarios/schema.json scenarios/*/*.json; do \
		install -m 644 -D $$file $(share)/stopbench/$$file || exit; done
	for file in README.md CHANGELOG.md LICENSE action.yml docs/*.md docs/ci/*/*.yml docs/ci/*/.*.yml \
		$$(find examples -name node_modules -prune -o -type f ! -path '*/__pycache__/*' -print); do \
		install -m 644 -D $$file $(share)/doc/stopbench/$$file || exit; done
	install -d $(share)/man/man1
	install -m 644 $(out)/man/*.1 $(share)/man/man1
	install -m 644 -D packaging/completions/stopbench.bash $(share)/bash-completion/completions/stopbench
	install -m 644 -D packaging/completions/_stopbench $(share)/zsh/site-functions/_stopbench
	install -m 644 -D packaging/completions/stopbench.fish $(share)/fish/vendor_completions.d/stopbench.fish
	for name in mock-agent mock-mcp; do \
		ln -sf stopbench $(share)/bash-completion/completions/$$name && \
		ln -sf stopbench.fish $(share)/fish/vendor_completions.d/$$name.fish || exit; done

.PHONY: uninstall
uninstall:
	rm -rf $(installed)/lib/stopbench $(share)/stopbench $(share)/doc/stopbench
	rm -f $(addprefix $(installed)/bin/,$(commands)) $(share)/zsh/site-functions/_stopbench
	rm -f $(addprefix $(share)/bash-completion/completions/,$(commands))
	rm -f $(patsubst %,$(share)/fish/vendor_completions.d/%.fish,$(commands))
	rm -f $(share)/man/man1/stopbench-*.1 $(patsubst %,$(share)/man/man1/%.1,$(commands))

.PHONY: deb
deb: all
	@sh packaging/deb $(out)

.PHONY: images
images: deps
	@$(MAKE) --no-print-directory all
	@$(out)/bin/stopbench images

.PHONY: bench
bench: deps
	@$(MAKE) -s --no-print-directory all $(out)/bench/bench $(out)/bench/bare
	@$(out)/bench/bench $(ONLY)

.PHONY: bench-gate
bench-gate: deps
	@$(MAKE) -s --no-print-directory all $(out)/bench/bench-gate $(out)/bench/timed
	@$(out)/bench/bench-gate $(if $(FROM),--from $(FROM),$(COMPARISONS))

.PHONY: bench-swarm
bench-swarm: deps
	@$(MAKE) -s --no-print-directory all
	@PROGRAMS=$(out)/bin bench/swarm/run

.PHONY: bench-peers
bench-peers: deps
	@$(MAKE) -s --no-print-directory all $(out)/bench/spawn
	@sh bench/peers/run

.PHONY: bench-http2
bench-http2: deps
	@$(MAKE) -s --no-print-directory all
	@PROGRAMS=$(out)/bin bench/http2/run

.PHONY: bench-starts
bench-starts: deps
	@$(MAKE) -s --no-print-directory all $(out)/bench/bench-starts
	@$(out)/bench/bench-starts $(COUNT)

# The harness as a library: no commands, no reports.
bench_harness := $(call objects,$(addprefix harness/,scenario engine engine/docker engine/cri cluster cluster/swarm cluster/kubernetes run judge judge/diagnose)) $(out)/harness/engine/cri/cri.pb-c.o $(out)/harness/programs.o $(behavior) $(lib)
$(out)/bench/bench: $(bench) $(bench_harness)
$(out)/bench/bench-gate: $(bench_gate) $(out)/harness/compare/gate.o $(call objects,harness/stats) $(bench_harness)
$(out)/bench/bare: $(out)/bench/bare.o
$(out)/bench/timed: $(out)/bench/timed.o
$(out)/bench/spawn: $(out)/bench/peers/spawn.o $(addprefix $(out)/lib/,buf.o clock.o err.o mem.o)
$(out)/bench/bench-starts: $(call objects,bench/starts) $(addprefix $(out)/bench/,printout.o samples.o) $(out)/harness/programs.o $(lib)
# With every library that the service has, called or not.
$(out)/bench/bare: LDLIBS := -Wl,--no-as-needed $(mimalloc) -Wl,--as-needed
$(addprefix $(out)/bench/,bench bench-gate bench-starts bare timed spawn):
	$(call say,BENCH)$(CC) $(all_ldflags) -o $@ $^ $(LDLIBS) $(call pkgconf,--libs,$(packages)) -lm

.PHONY: deps
deps:
	@sh ./install-deps

.PHONY: tests-built
tests-built: $(unit_tests)

.PHONY: format
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: clean
clean:
	rm -rf build build-san

.PHONY: help
help:
	@sed -n '3,28s/^# \{0,1\}//p' Makefile

.SECONDARY:
# A folder of completions that was installed below build/ is no list of headers.
-include $(filter-out %_completions.d,$(wildcard $(out)/*/*.d $(out)/*/*/*.d $(out)/*/*/*/*.d))
