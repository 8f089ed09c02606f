# demo.mk: photos in, faces cut out of them, a GAN trained on these, a classifier of real and fake, a report out. `make demo`, with any of these on the command line:
DATA := #         a directory of photos; without it, scenes with people are drawn
PHOTOS := 1000#   how many are drawn
STEPS := 800
SAMPLE_EVERY = $(shell echo $$((($(STEPS) + 9) / 10)))
SIZE := 64#       of the networks' images
BATCH := 32
LR_G := 1e-3
LR_D := 2e-4
BETA1 := .5
EMA := .99#       the images shown and scored are of an average of the generator over about 100 steps, which is steadier than its last step
SEED := 0
SCORED := 256#    images that a score is of, at each of ten steps
CLASSIFIED := 3000# drawn photos of each kind, real and fake, for the classifier
EPOCHS := 6#      of its training
here := $(dir $(lastword $(MAKEFILE_LIST)))
# How faces are cut out: several a photo, two heads wide. The detector knows drawn people best, so DATA's photos are taken whole, unless CROP says otherwise: CROP='faceyolo -m MODEL'.
CROP := $(if $(DATA),,faceyolo -m $(here)models/face.tns --pick all --conf .4 --iou .4 --min 24 --margin .25 --aspect keep)
SCORE := fidcalc -m $(here)models/draw.tns
GEN := $(here)nets/demo-gen.net
CRITIC := $(here)nets/demo-critic.net
include $(here)rules.mk

# Each folder of photos has a directory of its own; build/demo/report.html leads to the report last asked for.
name := $(if $(DATA),$(shell basename "$$(realpath -- $(call quote,$(DATA)))" | tr -c 'A-Za-z0-9._\n-' _),drawn)
d := build/demo/$(name)
photos := $(or $(DATA),$d/photos)
report: link $d/report.html
	@echo '  DONE build/demo/report.html'
link: always
	@mkdir -p build/demo && ln -sfn $(name)/report.html build/demo/report.html

# A classifier of photos and fakes, drawn both, and what file facts and mean colour alone would have told it; the same beside every GAN.
c := build/demo/classifier
$(call stage,$c/photos.tns,,\
    rm -rf $c/photos && { drawface -n $(CLASSIFIED) --seed $(SEED)1; drawface -n $(CLASSIFIED) --style fake --seed $(SEED)2; } | tns2img -d $c/photos && \
    imgnorm --label-from-dir $c/photos/draw -o $c/photos.tns)
$(call stage,$c/train.tns,$c/photos.tns,\
    tsplit --by 70$(comma)15$(comma)15 --seed $(SEED) -o $c/train.tns$(comma)$c/val.tns$(comma)$c/test.tns $c/photos.tns)
$(call stage,$c/model.tns,$c/train.tns $(here)nets/draw-feat.net,\
    tshuf --epochs $(EPOCHS) --seed $(SEED) --from $c/state.tns $c/train.tns | augment --seed $(SEED) 'brightness=.1' | \
    clsfit --net $(here)nets/draw-feat.net --state $c/state.tns -b 64 --lr 2e-3 --lr-decay cosine:$$(($(EPOCHS) * $(CLASSIFIED) * 14 / 640 + 1)) --val $c/val.tns --seed $(SEED) \
        --log $c/log.tsv --save $c/model.tns,\
    $c/state.tns $c/log.tsv)
$(call stage,$c/score.tsv,$c/model.tns,\
    netrun -m $c/model.tns $c/test.tns | tscore --ci 200 --curve $c/curve.tsv -o $c/score.tsv)
$(call stage,$c/gradcam.png,$c/model.tns,\
    tshuf --seed $(SEED) $c/test.tns | thead -n 40 | netrun -m $c/model.tns --gradcam r3 | tview --columns 10 --gap 0 --labels -o $c/gradcam.png)
$(call stage,$c/floor.tsv,$c/train.tns,\
    clsfit --facts --val $c/test.tns --log $c/floor.tsv $c/train.tns)

drawn := $(if $(DATA),,$d/drawn)
$(call stage,$d/drawn,,\
    rm -rf $d/photos && drawface --scene -n $(PHOTOS) --size 384x288 --seed $(SEED) | tns2img -d $d/photos --format jpeg && touch $d/drawn)
$(call manifest,$d/photos.tsv,$(photos),$(drawn))
ifneq ($(CROP),)
$(call stage,$d/images.tns,$d/photos.tsv,\
    imgnorm $(call quote,$(photos)) | $(CROP) -q --size $(SIZE) --drops $d/drops.tsv -o $d/images.tns)
$(call stage,$d/found.png,$d/photos.tsv,\
    imgnorm -n 8 $(call quote,$(photos)) | $(CROP) --boxes | tview --boxes --columns 4 --gap 4 -o $d/found.png)
else
$(call stage,$d/images.tns,$d/photos.tsv,\
    imgnorm --size $(SIZE) -o $d/images.tns $(call quote,$(photos)))
endif
$(call stage,$d/sheet.png,$d/images.tns,\
    tview -n 60 --columns 10 --gap 0 -o $d/sheet.png $d/images.tns)
$(call stage,$d/model.tns,$d/images.tns $(GEN) $(CRITIC),\
    tshuf --epochs 1000000 --seed $(SEED) --from $d/state.tns $d/images.tns | \
    ganstep --gen $(GEN) --critic $(CRITIC) --state $d/state.tns -b $(BATCH) --lr-g $(LR_G) --lr-d $(LR_D) --beta1 $(BETA1) --ema $(EMA) --seed $(SEED) \
        --steps $(STEPS) --log $d/log.tsv --samples $d/samples.tns --sample-every $(SAMPLE_EVERY) --sample-count $(SCORED) --save-every 25 --save $d/model.tns >/dev/null,\
    $d/state.tns $d/log.tsv $d/samples.tns,$(here)report.sh --live $d)
$(call stage,$d/final.png,$d/model.tns,\
    ganstep --state $d/model.tns --sample 60 | tview --columns 10 --gap 0 -o $d/final.png)
$(call stage,$d/scores.tsv,$d/model.tns $d/images.tns,\
    $(SCORE) --by step -o $d/scores.tsv $d/images.tns $d/samples.tns)
$(call stage,$d/score.tsv,$d/model.tns $d/images.tns,\
    half=$$(($$(tls $d/images.tns | wc -l) / 2)) && ganstep --state $d/model.tns --sample 1000 | \
    $(SCORE) --batches 20 --batch $$((half < $(SCORED) ? half : $(SCORED))) --kid --pr -o $d/score.tsv $d/images.tns -)
$(call stage,$d/report.html,$d/sheet.png $(if $(CROP),$d/found.png) $d/final.png $d/scores.tsv $d/score.tsv $c/score.tsv $c/floor.tsv $c/gradcam.png,\
    $(here)report.sh $d)
