# draw-feat.mk: trains the feature network of the score of drawn photos, fd[draw]: `make -f pipelines/draw-feat.mk`, two minutes. What it made, build/draw-feat/draw.tns, is in
# the repository as pipelines/models/draw.tns.
PHOTOS := 16000#   of each kind, for training
EPOCHS := 10
SEED := 0
OUT := build/draw-feat/draw.tns
here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)rules.mk

d := build/draw-feat
all: $(OUT)
drawn = drawface -n $(2) --style $(1) --start $(3) --seed $(SEED)
both = cat <($(call drawn,real,$(1),$(2))) <($(call drawn,fake,$(1),$(2))) | tcat -o $(3)
$(call stage,$d/train.tns,,$(call both,$(PHOTOS),0,$d/train.tns))
$(call stage,$d/val.tns,,$(call both,1000,$(PHOTOS),$d/val.tns))
$(call stage,$(OUT),$d/train.tns $d/val.tns $(here)nets/draw-feat.net,\
    tshuf --epochs $(EPOCHS) --seed $(SEED) --from $d/state.tns $d/train.tns | \
    clsfit --net $(here)nets/draw-feat.net --state $d/state.tns -b 64 --lr 2e-3 --lr-decay cosine:5000 --l2 1e-4 --val $d/val.tns --seed $(SEED) \
        --log $d/log.tsv --save $(OUT),\
    $d/state.tns $d/log.tsv)
