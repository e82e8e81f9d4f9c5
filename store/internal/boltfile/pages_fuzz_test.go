package boltfile_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"rollcall/store/internal/boltfile"
)

// FuzzPages walks files that are damaged in any way. It has to end.
func FuzzPages(f *testing.F) {
	file := openTemp(f)
	scratch := &scratch{random: rand.New(rand.NewPCG(1, 1)), most: 2000}
	for range 4 {
		if err := file.Update(context.Background(), scratch.change); err != nil {
			f.Fatal(err)
		}
	}
	var whole bytes.Buffer
	if _, err := file.Snapshot(context.Background(), &whole); err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{})
	f.Add(uint32(2*4096+8), []byte{1})
	f.Add(uint32(9*4096+12), []byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		file := bytes.Clone(whole.Bytes())
		copy(file[int(at)%len(file):], change)
		boltfile.WalkPages(file) // the fuzzer stops what hangs
	})
}
