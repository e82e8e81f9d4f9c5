package store_test

import (
	"bytes"
	"context"
	"testing"

	"rollcall/store"
)

// FuzzPages walks files that are damaged in any way. It has to end.
func FuzzPages(f *testing.F) {
	db := openTemp(f)
	for i := range 30 {
		if _, err := db.Put(context.Background(), numbered(i*40, 40)); err != nil {
			f.Fatal(err)
		}
	}
	var whole bytes.Buffer
	if _, err := db.Snapshot(context.Background(), &whole); err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{})
	f.Add(uint32(2*4096+8), []byte{1})
	f.Add(uint32(9*4096+12), []byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		file := bytes.Clone(whole.Bytes())
		copy(file[int(at)%len(file):], change)
		store.WalkPages(file) // the fuzzer stops what hangs
	})
}
