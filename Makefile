# Facade. `make help` lists the targets; everything else here serves them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += -rR
ifeq ($(origin JOBS),undefined)
JOBS := $(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += -j$(JOBS)

VERSION := 0.1.0
PREFIX := /usr/local
CC := gcc
CFLAGS := -O2 -g

# Debian's names of all that is needed, and needed only by some targets.
packages := gcc libc6-dev make pkg-config libvips-dev liblcms2-dev libjpeg62-turbo-dev libdnnl-dev libopenblas-dev zlib1g-dev
demo_packages := gnuplot-nox
test_packages := bats python3-numpy $(demo_packages)
soak_packages := clang-14 libclang-rt-14-dev valgrind
check_packages := clang-format cppcheck shellcheck mandoc

# Sanitized objects live in a directory of their own; the programs are linked anew when the flags change.
SANITIZE :=
comma := ,
build := build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))
sanitize := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)

lib_obj := $(patsubst %.c,$(build)/%.o,$(wildcard lib/*.c formats/*.c))
programs := $(patsubst %.c,%,$(wildcard bin/*.c))
c_tests := $(patsubst %.c,$(build)/%,$(wildcard tests/c/test_*.c))
c_tests_common := $(patsubst %.c,$(build)/%.o,$(filter-out tests/c/test_%,$(wildcard tests/c/*.c)))

## make: build every program into bin/ (V=1 shows the commands)
all: $(programs)

# ---- what is on this machine ----

# Compiles against every library once. What is missing is installed, or named; then make reads the result and goes on.
ifneq ($(filter-out help deps clean uninstall,$(or $(MAKECMDGOALS),all)),)
include build/config.mk
endif

libraries := vips lcms2 libjpeg zlib openblas
headers := vips/vips.h lcms2.h stdio.h jpeglib.h zlib.h cblas.h oneapi/dnnl/dnnl.h omp.h
probe = flags=$$(pkg-config --cflags $(libraries) 2>/dev/null) && \
	printf '\043include <%s>\n' $(headers) | $(CC) $$flags -fopenmp -fsyntax-only -x c - 2>/dev/null

build/config.mk: Makefile
	@mkdir -p $(@D)
	@{ $(probe); } || { $(call install,$(packages)); }
	@$(probe) || { echo "make: can't compile against all of: $(headers)" >&2; exit 1; }
	@printf 'lib_cflags := %s\nlib_libs := %s\n' "$$(pkg-config --cflags $(libraries))" "$$(pkg-config --libs $(libraries))" >$@

# $(call install,PACKAGES), a shell command
define install
if ! command -v apt-get >/dev/null; then echo 'make: please install what Debian calls: $(1)' >&2; exit 1; \
elif [ "$$(id -u)" = 0 ]; then sudo=; \
elif sudo -n true 2>/dev/null; then sudo='sudo -n'; \
else echo 'make: something is missing; please run: sudo apt-get install $(1)' >&2; exit 1; fi; \
export DEBIAN_FRONTEND=noninteractive; \
$$sudo apt-get -qq update >&2 && $$sudo apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 install $(1) >&2
endef
# $(call need,COMMANDS,PACKAGES), a shell command: installs the packages when any of the commands isn't there
need = for c in $(1); do command -v $$c >/dev/null || { $(call install,$(2)); break; }; done

## make deps: install the Debian packages that everything here needs (or name them)
deps:
	@$(call install,$(packages) $(test_packages) $(check_packages) $(soak_packages))

# ---- build ----

# Checked calls and stacks, an address of its own for every run, and tables that nobody writes to: what hostile input would want. Level 3 where the
# compiler can, else it takes 2. Sanitizers and gcov bring checks of their own.
harden := $(if $(SANITIZE)$(findstring -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) -fstack-protector-strong -fPIE
harden_link := -pie -Wl,-z,relro,-z,now,-z,noexecstack
cflags := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wno-missing-field-initializers -fopenmp -ffp-contract=off $(harden) $(CFLAGS) $(sanitize)
cppflags := -D_GNU_SOURCE -DFACADE_VERSION='"$(VERSION)"' -I. $(CPPFLAGS)
libs := -Wl,--as-needed $(lib_libs) -ldnnl -lm -lpthread
compile := $(CC) $(cppflags) $(lib_cflags) $(cflags) -MMD -MP
# Loops over pixels and weights want gcc's vectors; nothing there looks at errno or traps, and the bytes stay the same.
vectors := -O3 -fno-math-errno -fno-trapping-math
link := $(CC) $(cflags) $(harden_link) $(LDFLAGS)

# Stamps that change only when the flags do.
ifdef lib_cflags
ifneq ($(file <$(build)/compile.cmd),$(compile) $(vectors))
$(shell mkdir -p $(build))
$(file >$(build)/compile.cmd,$(compile) $(vectors))
endif
ifneq ($(file <build/link.cmd),$(link) $(build))
$(file >build/link.cmd,$(link) $(build))
endif
endif

# $(call run,WORD,COMMAND): a short line, or the whole command with V=1
run = $(if $(V),,@echo '  $(1) $@'; )$(2)

loops := $(patsubst %.c,$(build)/%.o,lib/ops_f32.c lib/norm_f32.c lib/norm_pool_f32.c lib/resize.c lib/resizer.c lib/planes.c lib/bilinear.c lib/affine.c lib/blur.c lib/colour.c lib/augment.c lib/rng.c $(wildcard lib/draw*.c))
$(loops): compile += $(vectors)

# The kernels of inference, once for each width of vector; kernels.c asks the processor which it has. A product and its sum are one instruction there.
kernels := $(patsubst %.c,$(build)/%.o,$(wildcard lib/kernels_*.c))
$(kernels): compile += $(vectors) -ffp-contract=fast
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)),)
$(build)/lib/kernels_avx2.o: compile += -mavx2 -mfma
$(build)/lib/kernels_avx512.o: compile += -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512
$(build)/lib/kernels_amx.o: compile += -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx512bf16 -mamx-tile -mamx-bf16
endif

$(build)/%.o: %.c $(build)/compile.cmd
	@mkdir -p $(@D)
	$(call run,CC,$(compile) -c -o $@ $<)

$(build)/libtns.a: $(lib_obj)
	@rm -f $@ && ar rcs $@ $^

$(programs): bin/%: $(build)/bin/%.o $(build)/libtns.a build/link.cmd
	$(call run,LINK,$(link) -o $@ $(filter %.o %.a,$^) $(libs))

$(c_tests): $(build)/tests/c/%: $(build)/tests/c/%.o $(c_tests_common) $(build)/libtns.a build/link.cmd
	$(call run,LINK,$(link) -o $@ $(filter %.o %.a,$^) $(libs))

# Fuzz targets as plain programs that replay files (tests/fuzz.bats); tests/fuzz/run builds the fuzzers.
replays := $(patsubst tests/fuzz/%.c,$(build)/tests/fuzz/%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
$(build)/tests/fuzz/%.o: compile += -Wno-comment
$(replays): %: %.o $(build)/tests/fuzz/replay.o $(build)/libtns.a build/link.cmd
	$(call run,LINK,$(link) -o $@ $(filter %.o %.a,$^) $(libs))

# For tests only: makes calls fail (tests/faults/run).
inject := $(patsubst tests/faults/%.c,build/tests/%.so,$(wildcard tests/faults/inject.c))
$(inject): tests/faults/inject.c
	@mkdir -p $(@D)
	$(call run,CC,$(CC) -std=gnu11 -Wall -Wextra -O1 -g -shared -fPIC -o $@ $<)

$(build)/compile.cmd build/link.cmd: ;

objects := $(lib_obj) $(programs:%=$(build)/%.o) $(c_tests:%=%.o) $(c_tests_common) $(replays:%=%.o) $(build)/tests/fuzz/replay.o
.SECONDARY: $(objects)
-include $(objects:.o=.d)

# ---- use ----

## make test: build, run every test; the last line counts them. TESTS=FILES for some, SANITIZE=address,undefined for all that gcc can check
TESTS := $(wildcard tests/*.bats) $(c_tests)
test: all $(c_tests) $(replays) $(inject)
	@$(call need,bats python3 gnuplot,$(test_packages))
	@{ python3 -c 'import numpy' || /usr/bin/python3 -c 'import numpy'; } 2>/dev/null || { $(call install,$(test_packages)); }
	@$(if $(SANITIZE),TEST_SECONDS=$${TEST_SECONDS:-3600} )tests/run -j$(JOBS) $(TESTS)

## make soak: the long tests: every call fails, pipelines are killed, fuzzing, load, Slurm and ssh, sanitizers, coverage; rewrites RELIABILITY.md. QUICK=1 for a little of each, PARTS= for some
PARTS :=
soak: all $(c_tests) $(replays) $(inject)
	@$(call need,clang-14 valgrind bats python3,$(test_packages) $(soak_packages))
	@tests/soak $(PARTS)

## make coverage: which lines of lib, formats and bin the tests run: build/coverage.tsv. TESTS=FILES for some
coverage:
	@tests/coverage $(if $(filter command line,$(origin TESTS)),$(TESTS))

## make demo: draw scenes, cut out faces, train a GAN and a classifier, report in build/demo/report.html. DATA=DIR for your own photos; STEPS=, SIZE=...: pipelines/demo.mk
demo: all
	@$(call need,gnuplot,$(demo_packages))
	@$(MAKE) --no-print-directory -f pipelines/demo.mk

## make bench: measure; run it on a quiet machine. PEER=COMMAND is measured beside it, as `COMMAND inception`, `COMMAND gan`...
bench_tools := $(patsubst bench/%.c,build/bench/%,$(wildcard bench/*.c))
build/bench/fma: compile += $(vectors) -ffp-contract=fast
$(bench_tools): build/bench/%: bench/%.c $(build)/libtns.a build/link.cmd
	@mkdir -p $(@D)
	$(call run,LINK,$(compile) -o $@ $< $(build)/libtns.a $(libs))
bench: all $(bench_tools)
	@for script in bench/*.sh; do echo "# $$script"; "$$script"; done

## make check: static analysis, scripts, formatting, manuals
c_files := $(wildcard lib/*.[ch] formats/*.[ch] bin/*.c tests/c/*.[ch] tests/fuzz/*.c tests/faults/*.c bench/*.c)
scripts := .ci/run tests/run tests/fuzz/run tests/faults/prepare tests/soak tests/cluster tests/reliability tests/coverage tests/asan tests/tsan tests/valgrind $(wildcard tests/*.sh tests/*.bats bench/*.sh pipelines/*.sh examples/*.sh bin/*.bash)
check:
	@$(call need,clang-format cppcheck shellcheck mandoc,$(check_packages))
	cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -I. -j$(JOBS) $(filter %.c,$(c_files))
	clang-format --dry-run -Werror $(c_files)
	shellcheck -S warning $(scripts)
	mandoc -T lint -W warning $(wildcard bin/*.1 formats/*.[1-9] pipelines/*.[1-9])

## make format: lay the C files out as `make check` wants them
format:
	@$(call need,clang-format,$(check_packages))
	clang-format -i $(c_files)

## make install: PREFIX=/usr/local, DESTDIR=
to := $(DESTDIR)$(PREFIX)
install: all $(build)/libtns.a
	install -d $(to)/bin $(to)/lib/pkgconfig $(to)/include/facade $(to)/share/man/man1 $(to)/share/man/man5 $(to)/share/man/man7 $(to)/share/facade $(to)/share/bash-completion/completions
	install $(programs) $(to)/bin
	install -m 644 $(build)/libtns.a $(to)/lib
	install -m 644 $(wildcard lib/*.h) $(to)/include/facade
	install -m 644 $(wildcard bin/*.1) $(to)/share/man/man1
	install -m 644 $(wildcard formats/*.5) $(to)/share/man/man5
	install -m 644 $(wildcard pipelines/*.7) $(to)/share/man/man7
	install -m 644 bin/facade.bash $(to)/share/bash-completion/completions/facade
	cd $(to)/share/bash-completion/completions && for p in $(notdir $(programs)); do ln -sf facade $$p; done
	cp -R --no-preserve=ownership pipelines $(to)/share/facade
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: tns' 'Description: streams of tensors, and networks over them' 'Version: $(VERSION)' \
	    'Cflags: -I$${prefix}/include' 'Libs: -L$${prefix}/lib -ltns -ldnnl -lopenblas -lz -lm -fopenmp' >$(to)/lib/pkgconfig/tns.pc

## make uninstall: remove what install put there
uninstall:
	cd $(to) && rm -f $(programs) lib/libtns.a lib/pkgconfig/tns.pc $(patsubst bin/%,share/man/man1/%,$(wildcard bin/*.1)) $(patsubst formats/%,share/man/man5/%,$(wildcard formats/*.5)) \
	    $(patsubst pipelines/%,share/man/man7/%,$(wildcard pipelines/*.7)) $(addprefix share/bash-completion/completions/,facade $(notdir $(programs)))
	rm -rf $(to)/include/facade $(to)/share/facade

## make clean: remove what was built
clean:
	rm -rf build $(programs)

## make help: this list
help:
	@sed -n 's/^## //p' Makefile

.PHONY: all deps test soak coverage demo bench check format install uninstall clean help
