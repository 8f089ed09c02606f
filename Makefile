# Facade: see `make help`.
SHELL := /bin/bash
MAKEFLAGS += -rR
VERSION := 0.1.0
CC := cc
BUILD := build
CFLAGS := -O2 -g
override CFLAGS += -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wno-missing-field-initializers -fopenmp -ffp-contract=off -MMD -MP
CPPFLAGS := -D_GNU_SOURCE -DFACADE_VERSION='"$(VERSION)"' -I.
vips_cflags := $(shell pkg-config --cflags vips 2>/dev/null)
LIBS := -Wl,--as-needed $(shell pkg-config --libs vips 2>/dev/null) -ljpeg -ldnnl -lopenblas -lz -lm -lpthread

lib_src := $(wildcard lib/*.c formats/*.c)
lib_obj := $(lib_src:%.c=$(BUILD)/%.o)
programs := $(patsubst %.c,%,$(wildcard bin/*.c))

all: $(programs)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(vips_cflags) $(CFLAGS) -c -o $@ $<

$(BUILD)/libtns.a: $(lib_obj)
	rm -f $@ && ar rcs $@ $^

$(programs): bin/%: $(BUILD)/bin/%.o $(BUILD)/libtns.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all
.SECONDARY:
