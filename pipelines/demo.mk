# demo.mk: photos in, a GAN trained on them, a report out. `make demo`, with any of these on the command line:
DATA := #         a directory of photos; without it, faces are drawn
PHOTOS := 2000#   how many are drawn
STEPS := 800
SAMPLE_EVERY = $(shell echo $$((($(STEPS) + 9) / 10)))
SIZE := 64#       of the networks' images
BATCH := 32
LR_G := 1e-3
LR_D := 2e-4
BETA1 := .5
SEED := 0
SCORED := 256#    images that a score is of, at each of ten steps
here := $(dir $(lastword $(MAKEFILE_LIST)))
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

drawn := $(if $(DATA),,$d/drawn)
$(call stage,$d/drawn,,\
    rm -rf $d/photos && drawface -n $(PHOTOS) --size 80 --seed $(SEED) | tns2img -d $d/photos --format jpeg && touch $d/drawn)
$(call manifest,$d/photos.tsv,$(photos),$(drawn))
$(call stage,$d/images.tns,$d/photos.tsv,\
    imgnorm --size $(SIZE) -o $d/images.tns $(call quote,$(photos)))
$(call stage,$d/sheet.png,$d/images.tns,\
    tview -n 60 --columns 10 --gap 0 -o $d/sheet.png $d/images.tns)
$(call stage,$d/model.tns,$d/images.tns $(GEN) $(CRITIC),\
    tshuf --epochs 1000000 --seed $(SEED) --from $d/state.tns $d/images.tns | \
    ganstep --gen $(GEN) --critic $(CRITIC) --state $d/state.tns -b $(BATCH) --lr-g $(LR_G) --lr-d $(LR_D) --beta1 $(BETA1) --seed $(SEED) \
        --steps $(STEPS) --log $d/log.tsv --samples $d/samples.tns --sample-every $(SAMPLE_EVERY) --sample-count $(SCORED) --save-every 25 --save $d/model.tns >/dev/null,\
    $d/state.tns $d/log.tsv $d/samples.tns,$(here)report.sh --live $d)
$(call stage,$d/final.png,$d/model.tns,\
    ganstep --state $d/model.tns --sample 60 | tview --columns 10 --gap 0 -o $d/final.png)
$(call stage,$d/scores.tsv,$d/model.tns $d/images.tns,\
    $(SCORE) --by step -o $d/scores.tsv $d/images.tns $d/samples.tns)
$(call stage,$d/score.tsv,$d/model.tns $d/images.tns,\
    half=$$(($$(tls $d/images.tns | wc -l) / 2)) && ganstep --state $d/model.tns --sample 1000 | \
    $(SCORE) --batches 20 --batch $$((half < $(SCORED) ? half : $(SCORED))) --kid --pr -o $d/score.tsv $d/images.tns -)
$(call stage,$d/report.html,$d/sheet.png $d/final.png $d/scores.tsv $d/score.tsv,\
    $(here)report.sh $d)
