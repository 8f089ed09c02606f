# draw-feat.mk: trains the feature network of the score of drawn photos, fd[draw]: `make -f pipelines/draw-feat.mk`, three minutes. What it made, build/draw-feat/draw.tns, is in
# the repository as pipelines/models/draw.tns.
# It learns to tell drawn photos from drawn fakes, and from photos that have lost their detail or gained edges that are none: faults that a generator has and drawface hasn't.
PHOTOS := 16000#  of each kind, for training
EPOCHS := 10
SEED := 0
OUT := build/draw-feat/draw.tns
here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)rules.mk

d := build/draw-feat
all: $(OUT)
# $(call coarse,SIZE,KERNEL,COUNT,SEED): down to SIZE and up again
coarse = drawface -n $(3) --label fake --seed $(4) | imgnorm --size $(1) | imgnorm --size 64 --kernel $(2)
# $(call kinds,COUNT,SEED,TARGET)
kinds = { drawface -n $(1) --seed $(2); drawface -n $$(($(1) / 2)) --style fake --seed $(2); \
    $(call coarse,1,bilinear,$$(($(1) / 8)),$(2)); $(call coarse,6,bicubic,$$(($(1) / 8)),$(2)); \
    $(call coarse,16,bicubic,$$(($(1) / 8)),$(2)); $(call coarse,24,nearest,$$(($(1) / 8)),$(2)); } | tcat -o $(3)
$(call stage,$d/train.tns,,$(call kinds,$(PHOTOS),$(SEED),$d/train.tns))
$(call stage,$d/val.tns,,$(call kinds,2000,$(SEED)1,$d/val.tns))
$(call stage,$(OUT),$d/train.tns $d/val.tns $(here)nets/draw-feat.net,\
    tshuf --epochs $(EPOCHS) --seed $(SEED) --from $d/state.tns $d/train.tns | \
    clsfit --net $(here)nets/draw-feat.net --state $d/state.tns -b 64 --lr 2e-3 --lr-decay cosine:5000 --l2 1e-4 --val $d/val.tns --seed $(SEED) \
        --log $d/log.tsv --save $(OUT),\
    $d/state.tns $d/log.tsv)
