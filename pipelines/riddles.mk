# riddles.mk: what in the study's tables doesn't fit, and the readings that may explain it, side by side; each says which of them reproduces the study's pattern on the photos at hand. `make riddles`,
# or one of: riddle-model1 riddle-positive riddle-batches riddle-smoothing riddle-ttur
# $(call riddle,NAME,INPUTS,COMMAND,TITLE,ROWS): $O/riddle-NAME.tsv of the readings, the last line the verdict
riddle = $(call stage,$O/riddle-$(1).tsv,riddle.sh study.tsv $(2),./riddle.sh $(3) >$O/riddle-$(1).tsv.new && mv $O/riddle-$(1).tsv.new $O/riddle-$(1).tsv)$(call page,riddle-$(1),$(4),$O/riddle-$(1).tsv,$(5))$(eval \
    riddle-$(1): $O/riddle-$(1).html ; @column -t -s '	' $O/riddle-$(1).tsv)

# Model 1 had 74% in training and 99% in the test. Is it dropout, which is on while training is scored? Images that were changed in training only? (Copies of one photo on
# both sides can't be had here: tsplit keeps a photo's copies together.)
fit1 = --val $O/sets/m1.train.tns
$(call class_row,riddle-plain,model1,m1,$(CLS_BATCH),$(CLS_EPOCHS),$(fit1))
$(call class_row,riddle-nodrop,model1,m1,$(CLS_BATCH),$(CLS_EPOCHS),--set drop=0 $(fit1))
$(call class_row,riddle-random,model1,m1,$(CLS_BATCH),$(CLS_EPOCHS),$(fit1),| $(AUGMENT) --seed $(SEED) $(RANDOM))
$(call riddle,model1,$(foreach r,plain nodrop random,$O/riddle-$r.score.tsv),gap $O dropout=riddle-plain no-dropout=riddle-nodrop changed-in-training=riddle-random,\
    Riddle: model 1's 74% in training and 99% in the test,riddle-plain riddle-nodrop riddle-random)

# Which class is table 3's positive one? Accuracy, precision and recall give its share of the test set.
$(call riddle,positive,,positive,Riddle: the positive class of table 3)

# "AVG FID 100 batches": of 128, or pooled? The reading whose rows stand to each other as the study's do.
$(call riddle,batches,$O/table1.tsv,order $O/table1.tsv average pooled to_infinity kid,Riddle: the study's FID and the size of its batches)

# How far seeds move a run, for the next two: what `make seeds` found, where it has run. Without it, the deviation between the batches of a score stands in, which knows of one training only.
spread := $(wildcard $O/seeds.tsv)

# One-sided smoothing, or both labels, as the study's text says.
$(call gan_row,base-ls-both,gan,real,critic,$(GAN_EPOCHS),--smooth .9$(comma).1)
$(call riddle,smoothing,$(foreach r,base base-ls base-ls-both,$O/$r.score.tsv) $(spread),ratio $O table1 base base-ls one-sided=base-ls both-labels=base-ls-both,Riddle: which labels were smoothed,base base-ls base-ls-both)

# The text says G 1e-4, D 3e-4; the table "3e-4, 1e-4".
$(call gan_row,wgan-ttur-c,gan,real,critic-none,$(GAN_EPOCHS),--loss wgan-gp --n-critic $(N_CRITIC) --lr-g 3e-4 --lr-d 1e-4)
$(call riddle,ttur,$(foreach r,wgan wgan-ttur-b wgan-ttur-c,$O/$r.score.tsv) $(spread),ratio $O table1 wgan wgan-ttur-b G=1e-4-D=3e-4=wgan-ttur-b G=3e-4-D=1e-4=wgan-ttur-c,Riddle: the labels of the last TTUR run,wgan wgan-ttur-b wgan-ttur-c)

riddles: riddle-model1 riddle-positive riddle-batches riddle-smoothing riddle-ttur
