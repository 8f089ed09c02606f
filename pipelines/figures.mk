# figures.mk: the study's figures 1 to 8. `make figures`
# $(call plot,NAME,OPTIONS,X,Y,ROWS,CURVES,CAPTION): $O/NAME.svg of the logs of ROWS. $(call sheet,NAME,INPUTS,COMMAND,CAPTION): $O/NAME.png
plot = $(call stage,$O/$(1).svg,plot.sh $(foreach r,$(5),$O/$r.tns),echo $(call quote,$(7)) >$O/$(1).svg.txt; ./plot.sh $(2) -o $O/$(1).svg $(3) $(4) $(6))
sheet = $(call stage,$O/$(1).png,$(2),echo $(call quote,$(4)) >$O/$(1).png.txt; $(3))
curves = $(foreach r,$(1),$r=$O/$r.log.tsv$(2))
bce := base base-ls base-ttur
wgans := wgan wgan-ttur-a wgan-ttur-b

$(call sheet,figure1,$(foreach f,$(folders),$(call of,$f.m2)),\
    { $(foreach f,$(folders),tcat $(call of,$f.m2) | thead -n 6;) } | tcat | tview --columns 6 --scale $(if $(filter full,$(SCALE)),.5,1) -o $O/figure1.png,\
    Figure 1. Photos of each set$(comma) a row each: real ($(word 1,$(folders)))$(comma) insight$(comma) inpainting$(comma) text2img.)
$(call stage,$O/figure2.tns,$(call of,wiki.face),tcat $(call of,wiki.face) | thead -n 6 | imgnorm --size 200 -o $O/figure2.tns)
$(call sheet,figure2,$O/figure2.tns,\
    { tls $O/figure2.tns | cut -f2 | sed s$(call quote,|^|$(photos)/|) | imgnorm -@ --root $(call quote,$(photos)/wiki) --size 200; cat $O/figure2.tns; } | tcat | \
    tview --columns $$(tls $O/figure2.tns | wc -l) -o $O/figure2.png,Figure 2. Photos; below them the faces that were cut out.)
$(call plot,figure3,-l,step,grad_g_mean,$(bce) $(wgans),$(call curves,$(bce) $(wgans)),\
    Figure 3. Mean absolute gradient at the last layer of the generator. The study lost the curve of base-ttur.)
$(call sheet,figure4,$O/wgan.tns,ganstep --state $O/wgan.tns --sample 60 | tview --columns 10 --gap 0 -o $O/figure4.png,Figure 4. Images from WGAN-GP after $(GAN_EPOCHS) epochs.)
$(call plot,figure5-d,,step,loss_d,$(bce),$(call curves,$(bce)),Figure 5. Losses of the discriminator: the baseline and its variants without WGAN.)
$(call plot,figure5-g,,step,loss_g,$(bce),$(call curves,$(bce)),Figure 5. Losses of the generator.)
$(call sheet,figure6,$O/wgan-face.tns,ganstep --state $O/wgan-face.tns --sample 20 | tview --columns 10 --gap 0 -o $O/figure6.png,Figure 6. Images from WGAN-GP on faces after $(FACE_EPOCHS) epochs.)
by_split = $(foreach m,$(2),$m-training=$O/$m.log.tsv:split=train $m-validation=$O/$m.log.tsv:split=val)
measures := accuracy precision recall loss
$(foreach y,$(measures),$(call plot,figure7-$y,,epoch,$y,model3,$(call by_split,,model3),Figure 7. Model 3: $y an epoch. Positive is fake.)\
    $(call plot,figure8-$y,,epoch,$y,model4 model5,$(call by_split,,model4 model5),Figure 8. Models 4 and 5: $y an epoch; the loss is cross-entropy without the penalty. Positive is fake.))

drawings := figure1.png figure2.png figure3.svg figure4.png figure5-d.svg figure5-g.svg figure6.png nets/model3.net $(measures:%=figure7-%.svg) $(measures:%=figure8-%.svg)
drawn_files := $(patsubst $O/nets/%,nets/%,$(drawings:%=$O/%))
$(call page,figures,The study's figures,$(drawn_files),$(bce) $(wgans) wgan-face model3 model4 model5)
figures: $O/figures.html ; @echo '  DONE $O/figures.html'

# One page of all: `make all` ends with it.
everything := $(foreach t,table1 table2 table3,$O/$t.tsv)
$(call page,report,The study$(comma) reproduced,$(everything) $(drawn_files),$(rows))
report: $O/report.html ; @echo '  DONE $O/report.html'
