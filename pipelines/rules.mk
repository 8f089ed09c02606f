# rules.mk: what every experiment's makefile includes. An experiment is a few lines of
#
#     $(call stage,TARGET,INPUTS,COMMAND[,PARTIAL[,BESIDE]])
#
# TARGET is made by COMMAND (bash, -euo pipefail), which names its files itself, so that it can be pasted into a shell. It
# runs again when an INPUT is newer or when the command itself has changed: TARGET.cmd holds the command, and is rewritten
# only when it differs. Several TARGETs, separated by blanks, are made by one COMMAND. So a changed option runs that stage and what follows, and nothing else; a rebuilt program runs
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

rules_dir := $(dir $(lastword $(MAKEFILE_LIST)))

# Facade's programs: beside this folder, or installed.
export PATH := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../bin):$(PATH)

# Threads that wait by spinning hold up whatever else runs here, several times over.
export OMP_WAIT_POLICY := passive

# $(call quote,TEXT) for the shell
quote = '$(subst ','\'',$(1))'

# A file is put in place whole, and only when it differs: other runs of make may look at it, and write it too, on other machines with processes of the same number.
new := $$@.$(shell uname -n).$$$$PPID
place = if cmp -s $(new) $$@; then rm $(new); else mv $(new) $$@; fi

# Make itself looks whether the stamp says the same: a process for each of some hundred stamps would take longer than all that make does besides.
stage = $(eval $(call stage_rules,$(strip $(1)),$(strip $(2)),$(subst $$,$$$$,$(3)),$(strip $(4)),$(strip $(5)),$(if $(call differ,$(file <$(firstword $(1)).cmd),$(strip $(3))),always)))
differ = $(subst =$(1)=,,=$(2)=)
define stage_rules
stages += $(firstword $(1))
inputs.$(firstword $(1)) := $(2)
also.$(firstword $(1)) := $(wordlist 2,99,$(1))
command.$(firstword $(1)) = $(strip $(3))
$(firstword $(1)).cmd: export stage_command = $$(command.$(firstword $(1)))
$(firstword $(1)).cmd: $(6)
	@mkdir -p $(sort $(dir $(1)))
	@printf '%s\n' "$$$$stage_command" >$(new); $(place)
$(1) $(if $(word 2,$(1)),&): $(2) $(firstword $(1)).cmd
	@echo '  MAKE $(1)'
	$(if $(4),@for f in $(4); do for i in $$^; do [ "$$$$f" -nt "$$$$i" ] || rm -f "$$$$f"; done; done)
	@$(if $(5),$(5) & trap "kill $$$$! 2>/dev/null || :; wait" EXIT; )$(strip $(3))
endef

manifest = $(eval $(call manifest_rules,$(strip $(1)),$(subst $$,$$$$,$(call quote,$(2))),$(strip $(3))))
define manifest_rules
$(1): always $(3)
	@mkdir -p $$(@D)
	@find -L $(2) -type f -printf '%P\t%s\t%T@\0' | LC_ALL=C sort -z | tr '\n\0' '?\n' >$(new)
	@[ -s $(new) ] || { echo "make: no files in "$(2) >&2; exit 1; }
	@$(place)
endef

shards = $(eval $(call shards_rules,$(strip $(1)),$(subst $$,$$$$,$(call quote,$(2))),$(strip $(3)),$(or $(strip $(4)),0),$(strip $(5))))
define shards_rules
$(1).all: always $(5)
	@mkdir -p $$(@D)
	@[ -d $(2) ] || { echo "make: no folder "$(2) >&2; exit 1; }
	@find -L $(2) -type f -printf '%p\t%s\t%T@\0' | LC_ALL=C sort -z | sed -z -n '$(if $(filter 0,$(4)),,1,$(4))p' >$(new)
	@[ -s $(new) ] || { rm $(new); echo "make: no files in "$(2) >&2; exit 1; }
	@$(place)
$(foreach i,$(shell seq $(3)),$(eval lists += $(1).$i.list)$(call shard_rule,$(1),$i,$(3)))
endef
define shard_rule

$(1).$(2).list: $(1).all
	@n=$$$$(tr -cd '\0' <$$< | wc -c) && sed -z -n "$$$$((n * ($(2) - 1) / $(3) + 1)),$$$$((n * $(2) / $(3)))p" $$< >$(new); $(place)
endef
listed = sed -z 's/\t[^\t]*\t[^\t]*$$//' $(1)

# What would run: plan.sh looks at stamps and times as make would.
plan:
	$(eval plan_file := $(shell mktemp))$(file >$(plan_file),$(plan_table))@trap 'rm -f $(plan_file)' EXIT; $(rules_dir)plan.sh $(plan_file) $(OF)$(plan_also)
# A file, because the table is longer than a variable of the environment may be.
plan_table = $(foreach s,$(stages),$s|$(also.$s)|$(inputs.$s)$(newline)$(command.$s)$(newline))
define newline


endef
always: ;
.PHONY: always plan
.DEFAULT_GOAL :=
