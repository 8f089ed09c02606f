# face.mk: trains the small face detector, so that faceyolo works without a download: `make -f pipelines/face.mk`, 20 minutes of one core, 2.7 GB below build/face.
# What it made, build/face/face.tns, is in the repository as pipelines/models/face.tns. Only drawn photos went in, no real one.
# It needs a python3 with PyTorch, NumPy and Pillow: `PYTHON=...`.
#
# 459,880 parameters, 218.7 MMAC. Score at conf .25, IoU .5 (build/face/score.tsv): of 2,765 faces in 500 drawn scenes of another seed it finds 92.5%, and 89.7%
# of what it finds is right; of those with 10 pixels a side 96.5%. Landmarks are off by 12% of the face's size on average, of larger faces by 7%.
# Real photos aren't drawings. Where one face fills the picture, the surest box is mostly right: it holds both eyes in 195 of 200 portraits of CelebA, whose
# eyes' places are known, with the landmarks there off by 11% of the eyes' distance (median). Wrong boxes come with it, a third as many or more: take the best.
# In 16 crowded outdoor photos of WIDER FACE it finds 20% of the faces of 10 pixels or more at the network's scale, and 18% of what it finds is right.
# For photos with many small faces use a detector trained on real ones; `wgt2tns --set cells=20` of the same weights, for an input of 640x640, helps a little.
SEED := 0
STEPS := 1125
PYTHON := python3
OUT := build/face/face.tns
here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)rules.mk

d := build/face
all: $(OUT) $d/score.tsv
# Scenes at the network's size and larger, which become small as photos do in a letterbox, wide and tall ones; and single faces.
$(call stage,$d/scenes.tns,,drawface --scene --size 320x240 -n 4000 --seed $(SEED)0 -o $d/scenes.tns)
$(call stage,$d/wide.tns,,drawface --scene --size 640x480 -n 1000 --seed $(SEED)1 -o $d/wide.tns)
$(call stage,$d/tall.tns,,drawface --scene --size 240x320 -n 1000 --seed $(SEED)2 -o $d/tall.tns)
$(call stage,$d/single.tns,,drawface --size 256 -n 2000 --seed $(SEED)3 -o $d/single.tns)
drawn := $d/scenes.tns $d/wide.tns $d/tall.tns $d/single.tns
$(call stage,$d/weights.npz,$(drawn) $(here)face-train.py,\
    $(PYTHON) $(here)face-train.py --steps $(STEPS) --seed $(SEED) $d/weights.npz $(drawn) >&2,\
    $d/weights.npz.state)
# The numbers that make yolov8n.net half as wide, for an input of 320x320.
small := classes=1 landmarks=5 width=8 deep=32 boxed=32 hidden=16 cells=10
$(call stage,$(OUT),$d/weights.npz $(here)nets/yolov8n.net,\
    wgt2tns --net $(here)nets/yolov8n.net $(addprefix --set ,$(small)) --dtype f16 $d/weights.npz -o $(OUT))
$(call stage,$d/val.tns,,drawface --scene --size 320x240 -n 500 --seed $(SEED)9 -o $d/val.tns)
$(call stage,$d/score.tsv,$(OUT) $d/val.tns,\
    faceyolo -m $(OUT) --boxes $d/val.tns -o $d/found.tns; $(here)face-score.sh $d/val.tns $d/found.tns >$d/score.tsv)
