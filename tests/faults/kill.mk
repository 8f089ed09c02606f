# A small experiment of every kind of stage, for tests/faults/kill. FACADE is the top directory.
include $(FACADE)/pipelines/rules.mk
in := $(IN)
all: out/sheet.png out/facts.tsv out/metrics.tsv out/distance.tsv out/crops.tns out/array.npy
$(call stage,out/real.tns,,drawface -n 60 --size 24 | imgnorm --size 16 -o out/real.tns)
$(call stage,out/fake.tns,,drawface -n 60 --size 16 --style fake -o out/fake.tns)
$(call stage,out/all.tns,out/real.tns out/fake.tns,cat out/real.tns out/fake.tns | tcat | tgrep -e key=draw -o out/all.tns)
$(call stage,out/train.tns,out/all.tns,tsplit --by 60$(comma)40 --part 1 -o out/train.tns out/all.tns)
$(call stage,out/test.tns,out/all.tns,tsplit --by 60$(comma)40 --part 2 -o out/test.tns out/all.tns)
$(call stage,out/gan.tns,out/real.tns,tshuf --epochs 12 --from out/gan.state out/real.tns | ganstep --gen $(in)/gen.net --critic $(in)/critic.net -b 8 -j 1 --state out/gan.state --save-every 3 --sample-every 5 --sample-count 4 --samples out/samples.tns --log out/gan.log --save out/gan.tns | tcheck,out/gan.state out/samples.tns out/gan.log)
$(call stage,out/cls.tns,out/train.tns,tshuf --epochs 8 --from out/cls.state out/train.tns | augment 'flip hue=.1' | clsfit --net $(in)/cls.net -b 8 -j 1 --state out/cls.state --save-every 3 --log out/cls.log --save out/cls.tns,out/cls.state out/cls.log)
$(call stage,out/metrics.tsv,out/cls.tns out/test.tns,netrun -m out/cls.tns out/test.tns | tscore --ci 20 -o out/metrics.tsv)
$(call stage,out/facts.tsv,out/train.tns,tls out/train.tns | cut -f 1-3 >out/facts.new && mv out/facts.new out/facts.tsv)
$(call stage,out/distance.tsv,out/cls.tns out/all.tns,fidcalc -m out/cls.tns --layer d1 -j 1 out/real.tns out/fake.tns -o out/distance.tsv)
$(call stage,out/sheet.png,out/gan.tns,ganstep --state out/gan.tns --sample 16 -j 1 | thead -n 9 | tview -o out/sheet.png)
$(call stage,out/crops.tns,,drawface -n 20 --size 80 | faceyolo --min 10 -m $(in)/face.tns -o out/crops.tns)
$(call stage,out/array.npy,out/test.tns,tns2npy -o out/array.npy out/test.tns)
