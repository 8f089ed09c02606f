# extensions.mk: the study's section 2.2, WGAN-GP with other photos to learn from, scored against the same test reals: `make extensions CELEBA=DIR IMDB_WIKI=DIR`
CELEBA := #      CelebA's aligned photos
IMDB_WIKI := #   IMDB-WIKI: it holds DeepFakeFace's own reals, so what the test side has is left out, by content
# $(call extension,NAME,DIR): the photos of DIR that no test photo equals, at 64x64; extended-NAME learns from them and from the training photos
extension = $(call shards,$O/lists/$(1),$(2),$(SHARDS),$(PHOTOS))$(foreach i,$(shards_of),$(call stage,$O/sets/$(1).$i.tns,$O/lists/$(1).$i.list $O/sets/gan.test.tns,\
    $(call listed,$O/lists/$(1).$i.list) | imgnorm -0 --root $(call quote,$(2)) --label real --size 64 | tgrep --not --same $O/sets/gan.test.tns -o $O/sets/$(1).$i.tns))
extended = $(call stage,$O/sets/with-$(1).train.tns,$(call of,$(1)) $O/sets/gan.train.tns,tcat $(call of,$(1)) $O/sets/gan.train.tns -o $O/sets/with-$(1).train.tns)$(call gan_row,wgan-with-$(1),with-$(1),real,critic-none,$(GAN_EPOCHS),--loss wgan-gp --n-critic $(N_CRITIC))
$(if $(CELEBA),$(call extension,celeba,$(strip $(CELEBA)))$(call extended,celeba))
$(if $(IMDB_WIKI),$(call extension,imdb,$(strip $(IMDB_WIKI)))$(call extended,imdb))
$(call table,extensions,fid,wgan $(if $(CELEBA),wgan-with-celeba) $(if $(IMDB_WIKI),wgan-with-imdb),Section 2.2: more photos to learn from)
