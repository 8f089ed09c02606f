# beyond.mk: what the study would have liked to run, and what its figures need to be read. Each is a table of its own: `make architectures`, ttur-faces, norms, sample-size, cross, leak, jpeg,
# resize, seeds; `make beyond` for all of them.
wgan := --loss wgan-gp --n-critic $(N_CRITIC)
adam := --lr-g 2e-4 --lr-d 2e-4 --beta1 .5 --eps 1e-8 --adam pytorch --update alternate

# The hybrid that the study had, the DCGAN that it took it for, and deep dense layers: equal steps.
$(call gan_row,dcgan,gan,real,dcgan-critic,$(GAN_EPOCHS),$(adam),nets/dcgan-gen.net)
$(call gan_row,hybrid,gan,real,dcgan-critic,$(GAN_EPOCHS),$(adam),nets/gen.net)
$(call gan_row,fcc-gan,gan,real,dcgan-critic,$(GAN_EPOCHS),$(adam),nets/fcc-gen.net)
$(call table,architectures,fid,dcgan hybrid fcc-gan base,DCGAN$(comma) the study's hybrid and FCC-GAN at equal steps)

# "We would have liked to experiment further with the Face Extraction dataset and the TTUR improvement."
$(call gan_row,wgan-face-ttur-a,face,real-face,critic-none,$(FACE_EPOCHS),$(wgan) --lr-g 1e-4 --lr-d 1e-5)
$(call gan_row,wgan-face-ttur-b,face,real-face,critic-none,$(FACE_EPOCHS),$(wgan) --lr-g 1e-4 --lr-d 3e-4)
$(call table,ttur-faces,fid,wgan-face wgan-face-ttur-a wgan-face-ttur-b,TTUR on faces)

# The study doesn't say how its critic was normalised; with batch norm the penalty is of no single image.
$(call gan_row,wgan-layer,gan,real,critic-layer,$(GAN_EPOCHS),$(wgan))
$(call gan_row,wgan-batch,gan,real,critic,$(GAN_EPOCHS),$(wgan))
$(call table,norms,fid,wgan wgan-layer wgan-batch,WGAN-GP with three norms of the critic)

# The score against N, fakes and reals against reals: how much of "AVG FID 100 batches" is the size of a batch.
$(call stage,$O/sample-size.tsv,sample-size.sh $O/real.features.tns $O/insight.features.tns,./sample-size.sh $O/real.features.tns $O/insight.features.tns >$O/sample-size.tsv.new && mv $O/sample-size.tsv.new $O/sample-size.tsv)
$(call features,insight,$(call of,insight.64),tcat $(call of,insight.64))
$(call stage,$O/sample-size.svg,$O/sample-size.tsv plot.sh,./plot.sh -p -l -o $O/sample-size.svg n distance insight=$O/sample-size.tsv reals-against-reals=$O/sample-size.tsv:floor)
$(call page,sample-size,The score against the size of the sample,$O/sample-size.tsv $O/sample-size.svg,real.features insight.features)
sample-size: $O/sample-size.html ; @column -t $O/sample-size.tsv

# Trained on one generator's fakes, asked about each other's.
$(foreach g,insight inpainting text2img,$(call labelled,one-$g,wiki.m2,.m2,$(FEW_FAKES),,$g)\
    $(call class_row,only-$g,model3,one-$g,$(CLS_BATCH_2),$(CLS_EPOCHS),--lr-decay $(DECAY),| $(AUGMENT) --seed $(SEED) $(RANDOM)))
$(foreach a,insight inpainting text2img,$(foreach b,insight inpainting text2img,$(call judged,$a-on-$b,$O/only-$a.tns,$O/sets/one-$b.test.tns)))
$(call table,cross,class,$(foreach a,insight inpainting text2img,$(foreach b,insight inpainting text2img,$a-on-$b)),Model 3 trained on one generator$(comma) tested on another)

# Split by photo and not by group: what a face or a background on both sides gives away.
$(foreach f,$(folders),$(call images,$f.single,$f,--size $(SIZE_2),,--group-re '^$f/.*'))
$(call labelled,leaky,wiki.single,.single,$(FEW_FAKES))
$(call labelled,held-apart,wiki.m2,.m2,$(FEW_FAKES))
$(foreach s,leaky held-apart,$(call class_row,split-$s,model3,$s,$(CLS_BATCH_2),$(CLS_EPOCHS),--lr-decay $(DECAY)))
$(call table,leak,class,split-leaky split-held-apart,What a split by photo gives away)

# Photos that were saved again, or made small, after model 3 had learnt: a detector of JPEG's traces fails.
# $(call altered,NAME,RECIPE)
altered = $(call stage,$O/sets/$(1).tns,$O/sets/m2.test.tns,tcat $O/sets/m2.test.tns | $(AUGMENT) --seed $(SEED) $(2) | tcat -o $O/sets/$(1).tns)$(call judged,$(1),$O/model3.tns,$O/sets/$(1).tns)
$(foreach q,30 60 90,$(call altered,jpeg-$q,jpeg=$q))
$(foreach f,.25 .5,$(call altered,scale-$f,scale=$f))
$(call table,jpeg,class,model3 jpeg-90 jpeg-60 jpeg-30,Model 3 on photos saved again as JPEG of a quality from Q to 100)
$(call table,resize,class,model3 scale-.5 scale-.25,Model 3 on photos made smaller by up to F and larger again)

# Three seeds of everything: mean and deviation.
$(foreach s,$(SEEDS),$(call gan_row,wgan-seed-$s,gan,real,critic-none,$(GAN_EPOCHS),$(wgan),,$s)$(call gan_row,base-seed-$s,gan,real,critic,$(GAN_EPOCHS),,,$s)\
    $(call class_row,model3-seed-$s,model3,m2,$(CLS_BATCH_2),$(CLS_EPOCHS),--lr-decay $(DECAY),| $(AUGMENT) --seed $s $(RANDOM),$s))
$(call stage,$O/seeds.tsv,seeds.sh $(foreach r,base wgan model3,$(foreach s,$(SEEDS),$O/$r-seed-$s.score.tsv)),\
    ./seeds.sh $(foreach r,base wgan model3,$(foreach s,$(SEEDS),$r=$O/$r-seed-$s.score.tsv)) >$O/seeds.tsv.new && mv $O/seeds.tsv.new $O/seeds.tsv)
$(call page,seeds,Several seeds,$O/seeds.tsv,$(foreach r,base wgan model3,$(foreach s,$(SEEDS),$r-seed-$s)))
seeds: $O/seeds.html ; @column -t -s '	' $O/seeds.tsv

beyond: architectures ttur-faces norms sample-size cross leak jpeg resize seeds
