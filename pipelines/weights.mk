# weights.mk: the official weights, which the study's figures need: `make weights` fetches what is missing into $(WEIGHTS), checks it against the hash in its name, and makes models of it. Nothing else here
# ever uses the network. Without one, it names each file that is missing; put these into $(WEIGHTS), under that name, and say `make weights`.
#     $(call official,MODEL,FILE,SHA256 (as much as is known),ADDRESS,COMMAND): FILE, then $(WEIGHTS)/MODEL made of it
WEIGHTS ?= ../weights
# Where a FILE isn't there any more, the model that was made of it stands: no other target comes to fetch it.
official = $(eval $(call official_rules,$(1),$(2),$(3),$(4),$(5),$(if $(wildcard $(WEIGHTS)/$(1)),$(wildcard $(WEIGHTS)/$(2)),$(WEIGHTS)/$(2))))
define official_rules
weights: $(WEIGHTS)/$(1)
$(WEIGHTS)/$(1): $(6)
	@./hash.sh $(3) $(WEIGHTS)/$(2)
	$(5) $(WEIGHTS)/$(2) -o $$@
$(WEIGHTS)/$(2):
	@mkdir -p $$(@D)
	@echo '  FETCH $(4)'; curl --fail --location --silent --show-error --output $$@.new '$(4)' || { rm -f $$@.new; \
	    printf '%s\n' 'make: no $(2), and it could not be fetched. On a machine with a network, get' '    $(4)' 'and put it here as' '    $(abspath $(WEIGHTS))/$(2)' >&2; exit 1; }
	@mv $$@.new $$@
endef
# All that is missing is named, not the first only.
$(if $(filter weights,$(MAKECMDGOALS)),$(eval MAKEFLAGS += -k))

# None of the addresses could be tried where this was written. That of pytorch-fid and of torchvision is the one in their own code and in many others', and holds the hash's first digits in its
# name; lindevs' is the one of their README, with the hash that stands there. If it has moved: NAME_URL=, and for another file NAME_SHA256=.

# InceptionV3 of the FID papers, as pytorch-fid publishes it; the score is then called FID.
INCEPTION_URL := https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth
INCEPTION_SHA256 := 6726825d
$(call official,inception.tns,pt_inception-2015-12-05-6726825d.pth,$(INCEPTION_SHA256),$(INCEPTION_URL),wgt2tns --net nets/inception.net)
# torchvision's ResNet50 (IMAGENET1K_V1), for model 6.
RESNET_URL := https://download.pytorch.org/models/resnet50-0676ba61.pth
RESNET_SHA256 := 0676ba61
$(call official,resnet50.tns,resnet50-0676ba61.pth,$(RESNET_SHA256),$(RESNET_URL),wgt2tns --net nets/resnet50.net)
# A YOLOv8n for faces, trained on WIDER FACE by lindevs. The address is of their latest release, which may come to hold another file than the hash is of.
FACE_URL := https://github.com/lindevs/yolov8-face/releases/latest/download/yolov8n-face-lindevs.onnx
FACE_SHA256 := 3ebbeaddfe4fc51a9ab119a4c67cc6193b559b07a8104d029ba0e146fcaa2ad4
$(call official,yolov8n-face.tns,yolov8n-face-$(shell echo $(FACE_SHA256) | head -c 8).onnx,$(FACE_SHA256),$(FACE_URL),onnx2tns --range 0:1)
.PHONY: weights
