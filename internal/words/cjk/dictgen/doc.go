// Command dictgen makes the dictionaries that the package cjk embeds, out of
// the ones that two libraries carry:
//
//	go run .     writes ../data/chinese.dict.zst and ../data/japanese.dict.zst
//	go test .    are the files what it would write, and does the package cut as
//	             the libraries do that it is measured against?
//
// Chinese is the word list of jieba with its frequencies, simplified and
// traditional, as the module github.com/go-ego/gse carries it. Japanese is
// IPADIC 2.7.0 as github.com/ikawaha/kagome-dict/ipa carries it, without
// readings. The notices of both are in ../data/NOTICE.
//
// It is a module of its own so that nobody who builds rollcall fetches these
// libraries: together they are 45 MiB.
package main
