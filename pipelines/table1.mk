# table1.mk: the study's table 1, GANs on DeepFakeFace and the data set's own generators, by the distance of their features. `make table1`
$(foreach g,insight inpainting text2img,$(call score_row,$g,real,$(call of,$g.64),tcat $(call of,$g.64)))
$(call gan_row,base,gan,real,critic,$(GAN_EPOCHS),)
$(call gan_row,base-ls,gan,real,critic,$(GAN_EPOCHS),--smooth .9$(comma)0)
$(call gan_row,base-ttur,gan,real,critic,$(GAN_EPOCHS),--lr-g 1e-4 --lr-d 1e-5)
$(call gan_row,wgan,gan,real,critic-none,$(GAN_EPOCHS),--loss wgan-gp --n-critic $(N_CRITIC))
$(call gan_row,wgan-ttur-a,gan,real,critic-none,$(GAN_EPOCHS),--loss wgan-gp --n-critic $(N_CRITIC) --lr-g 1e-4 --lr-d 1e-5)
$(call gan_row,wgan-ttur-b,gan,real,critic-none,$(GAN_EPOCHS),--loss wgan-gp --n-critic $(N_CRITIC) --lr-g 1e-4 --lr-d 3e-4)
# The generators at their native size, too: the distance to photos of native size.
$(foreach f,$(folders),$(call images,$f.native,$f,,| $(score) --features-out - -))
$(call held,native,wiki.native)
$(foreach g,insight inpainting text2img,$(call score_row,$g-native,native,$(call of,$g.native),tcat $(call of,$g.native)))
$(call stage,$O/native.features.tns,$O/sets/native.test.tns,tcat -o $O/native.features.tns $O/sets/native.test.tns)
$(call table,table1,fid,insight inpainting text2img base base-ls base-ttur wgan wgan-ttur-a wgan-ttur-b insight-native inpainting-native text2img-native,Table 1: DeepFakeFace)
