module rollcall/internal/words/cjk/dictgen

go 1.26.0

require (
	github.com/go-ego/gse v0.80.3
	github.com/ikawaha/kagome-dict v1.1.7
	github.com/ikawaha/kagome-dict/ipa v1.2.6
	github.com/ikawaha/kagome/v2 v2.10.3
	github.com/klauspost/compress v1.20.3
	rollcall v0.0.0
)

require github.com/vcaesar/cedar v0.20.2 // indirect

replace rollcall => ../../../..
