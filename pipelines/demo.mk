# demo.mk: photos in, a GAN trained on them, a report out. `make demo`, or with any of these on the command line:
DATA :=#          a directory of photos; without it, faces are drawn
PHOTOS := 3000#   how many are drawn
SIZE := 64
BATCH := 32
STEPS := 400
SAMPLE_EVERY = $(shell echo $$((($(STEPS) + 9) / 10)))
LR_G := 2e-4
LR_D := 2e-4
SEED := 0
GEN := pipelines/nets/gen.net
CRITIC := pipelines/nets/critic.net
include $(dir $(lastword $(MAKEFILE_LIST)))rules.mk

name := $(if $(DATA),$(shell basename "$$(realpath -- $(call quote,$(DATA)))" | tr -c 'A-Za-z0-9._\n-' _),drawn)
d := build/demo/$(name)

report: $d/report.html
	@ln -sfn $(name)/report.html build/demo/report.html
	@echo '  DONE build/demo/report.html ($d/report.html)'

ifeq ($(DATA),)
photos := $d/photos
$(call stage,$d/drawn,,drawface -n $(PHOTOS) --size 96 --seed $(SEED) | tns2img -d $d/photos --format jpeg && touch $d/drawn)
else
photos := $(DATA)
endif
$(call manifest,$d/photos.tsv,$(photos),$(if $(DATA),,$d/drawn))
$(call stage,$d/images.tns,$d/photos.tsv,imgnorm --size $(SIZE) -o $d/images.tns $(call quote,$(photos)))
$(call stage,$d/sheet.png,$d/images.tns,thead -n 60 $d/images.tns | tview --columns 10 -o $d/sheet.png)
$(call stage,$d/model.tns,$d/images.tns $(GEN) $(CRITIC),tshuf --epochs 1000000 --seed $(SEED) --from $d/state.tns $d/images.tns | \
    ganstep --gen $(GEN) --critic $(CRITIC) -b $(BATCH) --lr-g $(LR_G) --lr-d $(LR_D) --seed $(SEED) --steps $(STEPS) --state $d/state.tns \
    --log $d/log.tsv --samples $d/samples.tns --sample-every $(SAMPLE_EVERY) --sample-count 10 --save $d/model.tns >/dev/null,\
    $d/state.tns $d/log.tsv $d/samples.tns,pipelines/report.sh --live $d)
$(call stage,$d/final.png,$d/model.tns,ganstep --state $d/model.tns --sample 60 | tview --columns 10 -o $d/final.png)
$(call stage,$d/report.html,$d/sheet.png $d/model.tns $d/final.png,pipelines/report.sh $d)
