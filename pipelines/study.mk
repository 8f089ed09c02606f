# study.mk: what the makefiles of the study's tables share: where the photos are, and the kinds of row. `make help` lists what there is to make.
# On the command line:
DATA := #           a tree as DeepFakeFace is downloaded: wiki/ text2img/ inpainting/ insight/, the same file names in each; without it photos are drawn
GROUPS := #         a table (key, tab, group) of photos that must not be parted, keys as wiki/00/1.jpg; what isn't in it, and without it, by file name across the folders
SCALE := #          smoke, quick or full (scales.mk); default: full with DATA, quick without
SHARDS := 1#        files that each folder's photos are split in: the unit of parallel work
SEED := 0
OUT := ../build/study
FROM := insight inpainting text2img# the generators that the classifiers' fakes come from, in equal parts
# Stages. Any program that reads and writes TNS may stand in a pipe: CROP="faceyolo -m other.tns --margin .2", CROP="python3 ../examples/centre.py".
AUGMENT := augment
COPIES := 'flip hue=.1' 'brightness=.2 hue=.1' 'zoom=.2'#    how a copy that balances the classes is changed
RANDOM := 'rotate=10 shear=5 zoom=.1 flip'#                  how an image is changed each time it is learnt from, models 2 to 5
GEN := nets/gen.net
N_CRITIC := 5#      critic steps a generator step, of WGAN-GP; the study doesn't say
DECAY := exp:.96,1000#  learning rate of models 3 to 6; the study doesn't say
WEIGHTS := ../weights# where official weights are, see weights.mk

here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)rules.mk
override SCALE := $(or $(strip $(SCALE)),$(if $(strip $(DATA)),full,quick))
include $(here)scales.mk

# A relative DATA is seen from where the user stands.
data := $(strip $(DATA))
data := $(if $(data),$(if $(wildcard $(data)/wiki),$(data),$(PWD)/$(data)))
O := $(OUT)/$(SCALE)/$(if $(data),$(shell basename -- $(call quote,$(data)) | tr -c 'A-Za-z0-9._\n-' _),drawn)
photos := $(or $(data),$O/photos)
folders := wiki insight inpainting text2img
shards_of := $(shell seq $(SHARDS))

# ---- what official weights there are; without them, ours ----
weight = $(or $(wildcard $(WEIGHTS)/$(1)),$(2))
FID_MODEL := $(call weight,inception.tns,models/draw.tns)
DETECTOR := $(call weight,yolov8n-face.tns,models/face.tns)
RESNET := $(call weight,resnet50.tns,$O/resnet50.tns)
CROP := faceyolo -m $(DETECTOR) --min $(FACE_MIN)
BACKBONE := netrun -m $(RESNET) --layer pool#  whose features model 6 learns from: BACKBONE="netrun -m mobilenet.tns --layer features"
score := fidcalc -m $(FID_MODEL)
$(call stage,$O/resnet50.tns,,wgt2tns --net nets/resnet50.net --random $(SEED) -o $O/resnet50.tns)

# ---- photos ----
drawn := $(if $(data),,$O/photos.drawn)
$(call stage,$O/photos.drawn,,./draw-tree.sh $O/photos $(DRAWN) $(DRAWN_SIZE) $(SEED) && touch $O/photos.drawn)
$(foreach f,$(folders),$(call shards,$O/lists/$f,$(photos)/$f,$(SHARDS),$(PHOTOS),$(drawn)))
# By file name, below the folder: a photo and its fakes. The folder is in the option so that each has a history of its own, by which tls --script tells the sets that were merged.
group = --group-re '^$(1)/(.*)'$(if $(GROUPS), --group-from $(call quote,$(GROUPS)))

# $(call images,NAME,FOLDER,OPTIONS,FILTERS[,GROUPING]): the photos of FOLDER through imgnorm OPTIONS and `| FILTER`; they are streams of as many shards, $(call of,NAME)
images = $(foreach i,$(shards_of),$(call stage,$O/sets/$(1).$i.tns,$O/lists/$(2).$i.list $(GROUPS),$(call listed,$O/lists/$(2).$i.list) | \
    imgnorm -0 --root $(call quote,$(photos)/$(2)) --label $(if $(filter wiki,$(2)),real,fake) $(or $(5),$(call group,$(2))) $(3) $(4) | tcat -o $O/sets/$(1).$i.tns))
of = $(foreach i,$(shards_of),$O/sets/$(1).$i.tns)

# $(call held,NAME,SET): $O/sets/NAME.test.tns, TEST records of SET, and $O/sets/NAME.train.tns, the others; whole groups, the same ones of every set
held = $(call stage,$O/sets/$(1).train.tns $O/sets/$(1).test.tns,$(call of,$(2)),\
    tcat $(call of,$(2)) | tsplit --counts $(or $(3),$(TEST)) --names test$(comma)train --seed $(SEED) -o $O/sets/$(1).test.tns$(comma)$O/sets/$(1).train.tns)

# $(call features,NAME,INPUTS,COMMAND): $O/NAME.features.tns, what the score sees of the images that COMMAND writes
features = $(call stage,$O/$(1).features.tns,$(2) $(FID_MODEL),$(3) | $(score) --features-out $O/$(1).features.tns -)

# ---- rows ----
# $(call score_row,ROW,REAL,INPUTS,COMMAND): the images that COMMAND writes against REAL.features.tns: $O/ROW.score.tsv
score_row = $(eval rows += $(1))$(call stage,$O/$(1).score.tsv,$O/$(2).features.tns $(3) $(FID_MODEL),$(4) | \
    $(score) --batches $(FID_BATCHES) --batch $(FID_BATCH) --kid --pr --inf --seed $(SEED) -o $O/$(1).score.tsv $O/$(2).features.tns -)

# $(call gan_row,ROW,SET,REAL,CRITIC,EPOCHS,OPTIONS[,GEN[,SEED]]): trained on $O/sets/SET.train.tns: $O/ROW.tns, its log, and its score against REAL
gan_row = $(call gan_stage,$(1),$(2),$(4),$(5),$(6),$(or $(7),$(GEN)),$(or $(8),$(SEED)))$(call score_row,$(1),$(3),$O/$(1).tns,ganstep --state $O/$(1).tns --sample $(SAMPLES))
gan_stage = $(eval gans += $(1))$(eval cost.$(1) := $(if $(findstring wgan-gp,$(5)),wgan,bce) $(4))$(call stage,$O/$(1).tns,$O/sets/$(2).train.tns $(6) nets/$(3).net,\
    tshuf --epochs $(4) --seed $(7) --from $O/$(1).state $O/sets/$(2).train.tns | \
    ganstep --gen $(6) --critic nets/$(3).net --state $O/$(1).state -b $(GAN_BATCH) --seed $(7) $(5) \
        --log $O/$(1).log.tsv --samples $O/$(1).samples.tns --sample-count 16 --save $O/$(1).tns >/dev/null,\
    $O/$(1).state $O/$(1).log.tsv $O/$(1).samples.tns)

# $(call labelled,SET,REALS,FAKES,COUNT,BALANCE[,GENERATORS]): $O/sets/SET.{train,val,test}.tns, 70/15/15 of all REALS and COUNT fakes, in equal parts of $(FROM);
# FAKES: what stands after the generator in their sets' names. BALANCE: the smaller class gets changed copies, after the split.
split = $(foreach p,train val test,$O/sets/$(1).$p.tns)
labelled = $(call stage,$(call split,$(1)$(if $(5),.plain)),$(call of,$(2)) $(foreach g,$(or $(6),$(FROM)),$(call of,$g$(3))),\
    { tcat $(call of,$(2)); $(foreach g,$(or $(6),$(FROM)),tcat $(call of,$g$(3)) | tshuf --seed $(SEED) - | thead -n $$(($(4) / $(words $(or $(6),$(FROM)))));) } | \
    tcat | tsplit --by 70$(comma)15$(comma)15 --names train$(comma)val$(comma)test --seed $(SEED) \
        -o $(subst $(space),$(comma),$(call split,$(1)$(if $(5),.plain))))$(if $(5),$(foreach p,train val test,\
    $(call stage,$O/sets/$(1).$p.tns,$O/sets/$(1).plain.$p.tns,\
        tshuf --balance --seed $(SEED) $O/sets/$(1).plain.$p.tns | $(AUGMENT) --only-copies --seed $(SEED) $(COPIES) | tcat -o $O/sets/$(1).$p.tns)))

# $(call class_row,ROW,NET,SET,BATCH,EPOCHS,OPTIONS[,FILTERS[,SEED]]): NET trained on SET, each image through `| FILTER` every time: $O/ROW.tns, its log, and what it says of the test
# set, $O/ROW.scores.tns, and how right that is, $O/ROW.score.tsv
class_row = $(eval rows += $(1))$(eval cost.$(1) := $(2) $(5) $(if $(filter m1 m2,$(3)),$(FAKES),$(FEW_FAKES)))$(call stage,$O/$(1).tns,$(call split,$(3)) nets/$(2).net,\
    tshuf --epochs $(5) --seed $(or $(8),$(SEED)) --from $O/$(1).state $O/sets/$(3).train.tns $(7) | \
    clsfit --net nets/$(2).net $(if $(filter model6,$(2)),,--set momentum=$(MOMENTUM)) --state $O/$(1).state -b $(4) --seed $(or $(8),$(SEED)) $(6) --val $O/sets/$(3).val.tns --log $O/$(1).log.tsv --save $O/$(1).tns,\
    $O/$(1).state $O/$(1).log.tsv)$(call judged,$(1),$O/$(1).tns,$O/sets/$(3).test.tns)
# $(call judged,NAME,MODEL,SET)
judged = $(call stage,$O/$(1).scores.tns,$(2) $(3),netrun -m $(2) -o $O/$(1).scores.tns $(3))$(call stage,$O/$(1).score.tsv,$O/$(1).scores.tns,\
    tscore --ci $(CI) -o $O/$(1).score.tsv $O/$(1).scores.tns)

# $(call table,NAME,KIND,ROWS,TITLE): $O/NAME.tsv, the rows beside the study's, and $O/NAME.html; `make NAME` shows it
table = $(eval $(1): $O/$(1).html ; @column -t -s '	' $O/$(1).tsv; echo '  DONE $O/$(1).html'$(warnings))$(eval tables += $(1))$(eval rows.$(1) := $(3))$(call stage,$O/$(1).tsv,study.tsv table.sh $(foreach r,$(3),$O/$r.score.tsv),\
    echo $(call quote,$(4)) >$O/$(1).tsv.txt; ./table.sh $(2) $(1) $O $(3) >$O/$(1).tsv.new && mv $O/$(1).tsv.new $O/$(1).tsv)$(call page,$(1),$(4),$O/$(1).tsv,$(3))
# $(call page,NAME,TITLE,FILES,ROWS): $O/NAME.html, of tables (.tsv), plots (.svg), sheets (.png) and networks (.net), and how each of ROWS was made
page = $(call stage,$O/$(1).html,$(3) page.sh page.css,./page.sh $O/$(1).html $(call quote,$(2)) $O $(call quote,$(notes)) $(3) -- $(4))

# ---- hours ----
# Seconds a step and an image on this machine, measured once with drawn images; what each row's training takes, from that.
$(call stage,$O/rates.tsv,,./rates.sh $(GEN) $(GAN_BATCH) $(N_CRITIC) model1:$(SIZE_1):$(CLS_BATCH) model2:$(SIZE_2):$(CLS_BATCH) model3:$(SIZE_2):$(CLS_BATCH_2) \
    model4:$(SIZE_F):$(CLS_BATCH_2) model5:$(SIZE_F):$(CLS_BATCH_2) >$O/rates.tsv.new && mv $O/rates.tsv.new $O/rates.tsv)
plan: $(if $(data),$(lists)) $O/rates.tsv
plan_also = | ./hours.sh $O/rates.tsv $$(tr -cd '\0' 2>/dev/null <$O/lists/wiki.all | wc -c || echo $(DRAWN)) $(TEST) $(GAN_BATCH) $(N_CRITIC) $(SAMPLES) \
    $(foreach r,$(sort $(gans) $(rows)),$(if $(cost.$r),$(call quote,$r $(cost.$r))))

# What stands in for what isn't there, and what the study leaves open, said in every report.
notes := The classifiers' fakes are of $(FROM), in equal parts. WGAN-GP takes $(N_CRITIC) critic steps a generator step.|$(if $(data),,The photos are drawn: these figures are of a stand-in for DeepFakeFace and compare with the study's in nothing but form.|)$(if \
    $(filter models/draw.tns,$(FID_MODEL)),The distance is fd[draw] and not FID: the official InceptionV3 is missing (make weights).|)$(if \
    $(filter models/face.tns,$(DETECTOR)),Faces were found by our own detector$(comma) trained on drawn photos (make weights).|)$(if \
    $(findstring $O/resnet50.tns,$(BACKBONE)),Model 6 stands on a ResNet50 with random weights: the official ones are missing (make weights).|)$(if \
    $(GROUPS),,Splits keep photos of one file name together; the pairs of insight (whose photo got whose face) are not in the tree, so a face in training may be in the test on another body: GROUPS=TABLE closes that leak.|)$(if \
    $(filter full,$(SCALE)),,SCALE=$(SCALE): not the study's sizes, epochs and (of batch norm) momentum.|)
warnings := $(if $(GROUPS),,; echo '  NOTE groups are by file name: see the report for the leak that remains' >&2)
space := $() $()

# ---- the sets that several tables use ----
$(foreach f,$(folders),$(call images,$f.64,$f,--size 64))
$(call held,gan,wiki.64)
$(call features,real,$O/sets/gan.test.tns,cat $O/sets/gan.test.tns)
$(foreach f,$(folders),$(call images,$f.face,$f,,| $(CROP) | imgnorm --size $(SIZE_F)))
