# table2.mk: the study's table 2, the same on faces cut out of the photos. `make table2`
$(foreach f,wiki insight,$(call stage,$O/sets/$f.face64.tns,$(call of,$f.face),tcat $(call of,$f.face) | imgnorm --size 64 -o $O/sets/$f.face64.tns))
$(call stage,$O/sets/face.train.tns $O/sets/face.test.tns,$O/sets/wiki.face64.tns,\
    tsplit --by 1$(comma)$(FACE_SHARE) --names test$(comma)train --seed $(SEED) -o $O/sets/face.test.tns$(comma)$O/sets/face.train.tns $O/sets/wiki.face64.tns)
$(call features,real-face,$O/sets/face.test.tns,cat $O/sets/face.test.tns)
$(call score_row,insight-face,real-face,$O/sets/insight.face64.tns,cat $O/sets/insight.face64.tns)
$(call gan_row,wgan-face,face,real-face,critic-none,$(FACE_EPOCHS),--loss wgan-gp --n-critic $(N_CRITIC))
$(call table,table2,fid,insight-face wgan-face,Table 2: faces cut out of DeepFakeFace)
