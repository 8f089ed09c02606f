# sweep.mk: model 3 with one thing changed at a time, each by one variable: `make sweep`, or one of them: `make sweep-depth DEPTHS="2 3 4"`
$(call scale,DEPTHS,2 3,2 3 4,2 3 4)#   convolutions
$(call scale,EPOCHS,1 2,2 4 8,5 10 20)
$(call scale,SIZES,32 48,64 96 128,128 224 256)#     of the photos
$(call scale,DROPOUTS,0 50,0 25 50 75,0 25 50 75)#   percent, between the dense layers
$(call scale,RATES,1e-4 1e-3,1e-4 3e-4 1e-3,1e-4 3e-4 1e-3)#   the learning rate

# $(call swept,ROW,SET,EPOCHS,OPTIONS)
swept = $(call class_row,$(1),model3,$(2),$(CLS_BATCH_2),$(3),--lr-decay $(DECAY) $(4),| $(AUGMENT) --seed $(SEED) $(RANDOM))
depth.2 := --set third=0
depth.4 := --set fourth=1
$(foreach n,$(DEPTHS),$(if $(filter 2 3 4,$n),,$(error DEPTHS: 2, 3 or 4))$(call swept,depth-$n,m2,$(CLS_EPOCHS),$(depth.$n)))
$(foreach n,$(EPOCHS),$(call swept,epochs-$n,m2,$n))
$(foreach n,$(filter-out $(SIZE_2),$(SIZES)),$(foreach f,wiki $(FROM),$(call images,$f.at-$n,$f,--size $n))$(call labelled,at-$n,wiki.at-$n,.at-$n,$(FAKES),balance))
$(foreach n,$(SIZES),$(call swept,size-$n,$(if $(filter $(SIZE_2),$n),m2,at-$n),$(CLS_EPOCHS)))
$(foreach n,$(DROPOUTS),$(call swept,dropout-$n,m2,$(CLS_EPOCHS),--set drop=$n))
$(foreach n,$(RATES),$(call swept,rate-$n,m2,$(CLS_EPOCHS),--lr $n))
$(call table,sweep-depth,class,$(DEPTHS:%=depth-%),Model 3 by its depth)
$(call table,sweep-epochs,class,$(EPOCHS:%=epochs-%),Model 3 by its epochs)
$(call table,sweep-size,class,$(SIZES:%=size-%),Model 3 by the size of the photos)
$(call table,sweep-dropout,class,$(DROPOUTS:%=dropout-%),Model 3 by its dropout in percent)
$(call table,sweep-rate,class,$(RATES:%=rate-%),Model 3 by its learning rate)
sweep: sweep-depth sweep-epochs sweep-size sweep-dropout sweep-rate
.PHONY: sweep
