# table3.mk: the study's table 3, classifiers of real and fake. `make table3`; FROM=insight for the fakes of one generator
$(foreach f,$(folders),$(call images,$f.m1,$f,--size $(SIZE_1))$(call images,$f.m2,$f,--size $(SIZE_2)))
$(call labelled,m1,wiki.m1,.m1,$(FAKES),balance)
$(call labelled,m2,wiki.m2,.m2,$(FAKES),balance)
$(call labelled,face2,wiki.face,.face,$(FEW_FAKES))
$(call class_row,model1,model1,m1,$(CLS_BATCH),$(CLS_EPOCHS),)
$(call class_row,model2,model2,m2,$(CLS_BATCH),$(CLS_EPOCHS),,| $(AUGMENT) --seed $(SEED) $(RANDOM))
$(call class_row,model3,model3,m2,$(CLS_BATCH_2),$(CLS_EPOCHS),--lr-decay $(DECAY),| $(AUGMENT) --seed $(SEED) $(RANDOM))
$(call class_row,model4,model4,face2,$(CLS_BATCH_2),$(CLS_EPOCHS),--lr-decay $(DECAY),| $(AUGMENT) --seed $(SEED) $(RANDOM))
$(call class_row,model5,model5,face2,$(CLS_BATCH_2),$(CLS_EPOCHS_2),--lr-decay $(DECAY),| $(AUGMENT) --seed $(SEED) $(RANDOM))
# Model 6: a head on what a frozen ResNet50 sees, or another network.
$(foreach f,$(folders),$(call images,$f.resnet,$f,--size 224,| $(BACKBONE)))
$(foreach f,$(folders),$(foreach t,$(call of,$f.resnet),$(eval $t: $(RESNET))))
$(call labelled,m6,wiki.resnet,.resnet,$(FEW_FAKES))
$(call class_row,model6,model6,m6,$(CLS_BATCH),$(HEAD_EPOCHS),--lr-decay $(DECAY))$(eval cost.model6 := resnet 1 $(FEW_FAKES))
# The floors: what file facts and mean colour alone give away; without the seconds, so that the same photos give the same bytes.
$(foreach s,m1 m2 face2,$(call stage,$O/facts-$s.score.tsv,$(call split,$s),clsfit --facts --val $O/sets/$s.test.tns -o /dev/null --log $O/facts-$s.log.tsv $O/sets/$s.train.tns; \
    sed 's/\t[^\t]*$$//' $O/facts-$s.log.tsv >$O/facts-$s.score.tsv.new && mv $O/facts-$s.score.tsv.new $O/facts-$s.score.tsv))
$(call table,table3,class,model1 model2 model3 model4 model5 model6 facts-m1 facts-m2 facts-face2,Table 3: real or fake)
