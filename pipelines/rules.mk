# rules.mk: what every experiment's makefile includes. An experiment is a few lines of
#
#     $(call stage,TARGET,INPUTS,COMMAND[,PARTIAL[,BESIDE]])
#
# TARGET is made by COMMAND (bash, -euo pipefail), which names its files itself, so that it can be pasted into a shell. It
# runs again when an INPUT is newer or when the command itself has changed: TARGET.cmd holds the command, and is rewritten
# only when it differs. So a changed option runs that stage and what follows, and nothing else; a rebuilt program runs
# nothing. PARTIAL: files by which an interrupted COMMAND continues (a checkpoint, a log); they are removed first when
# anything they were made from has changed. BESIDE: a command that runs beside it, until it ends; whether it
# fails doesn't matter.
# A comma in an argument is written $(comma).
#
#     $(call manifest,TARGET,DIR[,INPUTS])
#
# lists the files below DIR, a line each: name, size, time of change. TARGET is rewritten only when that differs, so what depends on it runs
# when a photo is added, changed or removed. No file's name enters make: any name is safe.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += -rR --no-print-directory
comma := ,

# Facade's programs: beside this folder, or installed.
export PATH := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../bin):$(PATH)

# Threads that wait by spinning hold up whatever else runs here, several times over.
export OMP_WAIT_POLICY := passive

# $(call quote,TEXT) for the shell
quote = '$(subst ','\'',$(1))'

stage = $(eval $(call stage_rules,$(strip $(1)),$(strip $(2)),$(subst $$,$$$$,$(3)),$(strip $(4)),$(strip $(5))))
define stage_rules
$(1).cmd: export stage_command = $(strip $(3))
$(1).cmd: always
	@mkdir -p $$(@D)
	@[ "$$$$stage_command" = "$$$$(cat $$@ 2>/dev/null)" ] || printf '%s\n' "$$$$stage_command" >$$@
$(1): $(2) $(1).cmd
	@echo '  MAKE $(1)'
	$(if $(4),@for f in $(4); do for i in $$^; do [ "$$$$f" -nt "$$$$i" ] || rm -f "$$$$f"; done; done)
	@$(if $(5),$(5) & trap "kill $$$$! 2>/dev/null || :; wait" EXIT; )$(strip $(3))
endef

manifest = $(eval $(call manifest_rules,$(strip $(1)),$(subst $$,$$$$,$(call quote,$(2))),$(strip $(3))))
define manifest_rules
$(1): always $(3)
	@mkdir -p $$(@D)
	@find -L $(2) -type f -printf '%P\t%s\t%T@\0' | LC_ALL=C sort -z | tr '\n\0' '?\n' >$$@.new
	@[ -s $$@.new ] || { echo "make: no files in "$(2) >&2; exit 1; }
	@if cmp -s $$@.new $$@; then rm $$@.new; else mv $$@.new $$@; fi
endef

always: ;
.PHONY: always
.DEFAULT_GOAL :=
