# scales.mk: how much of everything, at each SCALE. full is the study's; quick takes minutes, smoke seconds. Each can be set on the command line, GAN_EPOCHS=20.
#     $(call scale,NAME,smoke,quick,full)
scale = $(eval $(1) := $(or $($(SCALE)_$(1)),$(if $(filter smoke,$(SCALE)),$(2),$(if $(filter quick,$(SCALE)),$(3),$(4)))))
$(if $(filter smoke quick full,$(SCALE)),,$(error SCALE=$(SCALE): smoke, quick or full))

$(call scale,PHOTOS,32,800,0)#               of each folder, the first in order of name; 0 for all
$(call scale,DRAWN,32,800,30000)#            drawn for each, where there is no DATA
$(call scale,DRAWN_SIZE,96,128,256)
$(call scale,FACE_MIN,24,40,50)#            sides of a face that is cut out, at least: drawn photos of few pixels have small ones

# The GANs, at 64x64.
$(call scale,TEST,8,200,5000)#               reals that nothing is trained on
$(call scale,FACE_SHARE,2,5,5)#           faces that are trained on, to one that isn't
$(call scale,GAN_BATCH,4,32,128)
$(call scale,GAN_EPOCHS,2,10,200)
$(call scale,FACE_EPOCHS,2,5,40)#            on faces
$(call scale,SAMPLES,16,400,5000)#           drawn from a GAN, to be scored
$(call scale,FID_BATCHES,4,20,100)#          the study's average is of so many
$(call scale,FID_BATCH,4,64,128)#            of this size

# The classifiers: model 1, models 2 and 3, faces; 15 epochs for 10 where the study has it.
$(call scale,SIZE_1,32,96,200)
$(call scale,SIZE_2,32,112,224)
$(call scale,SIZE_F,48,100,200)
$(call scale,CLS_BATCH,16,64,64)
$(call scale,CLS_BATCH_2,16,64,128)
$(call scale,CLS_EPOCHS,1,4,10)
$(call scale,CLS_EPOCHS_2,2,6,15)
$(call scale,MOMENTUM,90,90,99)#              percent, of batch norm's running statistics: few steps never reach them by .99
$(call scale,HEAD_EPOCHS,2,8,8)
$(call scale,FAKES,30,1200,45000)#           of models 1 to 3; the reals are brought up to as many
$(call scale,FEW_FAKES,30,800,30000)#        of models 4 to 6
$(call scale,CI,20,200,1000)#                rounds of the bootstrap

# Beyond the study.
$(call scale,SEEDS,0 1,0 1 2,0 1 2)
