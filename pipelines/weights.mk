# weights.mk: the official weights, which the study's figures need: `make weights` fetches what is missing into $(WEIGHTS), checks it against the hash in its name, and makes models of it. Nothing else here
# ever uses the network. Without one, put the file named below into $(WEIGHTS), under that name, and say `make weights`.
#     $(call official,MODEL,FILE,SHA256 (as much as is known),ADDRESS,COMMAND): FILE, then $(WEIGHTS)/MODEL made of it
WEIGHTS ?= ../weights
official = $(eval $(call official_rules,$(1),$(2),$(3),$(4),$(5)))
define official_rules
weights: $(WEIGHTS)/$(1)
$(WEIGHTS)/$(1): $(WEIGHTS)/$(2)
	@./hash.sh $(3) $$<
	$(5) $$< -o $$@
$(WEIGHTS)/$(2):
	@mkdir -p $$(@D)
	@echo '  FETCH $(4)'; curl --fail --location --silent --show-error --output $$@.new '$(4)' || { rm -f $$@.new; \
	    printf '%s\n' 'make: no $(2), and it could not be fetched. On a machine with a network, get' '    $(4)' 'and put it here as' '    $(abspath $(WEIGHTS))/$(2)' >&2; exit 1; }
	@mv $$@.new $$@
endef

# InceptionV3 of the FID papers, as pytorch-fid publishes it; the score is then called FID.
$(call official,inception.tns,pt_inception-2015-12-05-6726825d.pth,6726825d,https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth,wgt2tns --net nets/inception.net)
# torchvision's ResNet50, for model 6.
$(call official,resnet50.tns,resnet50-0676ba61.pth,0676ba61,https://download.pytorch.org/models/resnet50-0676ba61.pth,wgt2tns --net nets/resnet50.net)
# A YOLOv8n for faces, trained on WIDER FACE by lindevs, who publish its whole hash. Another one: FACE_URL=, FACE_SHA256=.
FACE_URL := https://github.com/lindevs/yolov8-face/releases/latest/download/yolov8n-face-lindevs.onnx
FACE_SHA256 := 3ebbeaddfe4fc51a9ab119a4c67cc6193b559b07a8104d029ba0e146fcaa2ad4
$(call official,yolov8n-face.tns,yolov8n-face-$(shell echo $(FACE_SHA256) | head -c 8).onnx,$(FACE_SHA256),$(FACE_URL),onnx2tns --range 0:1)
.PHONY: weights
