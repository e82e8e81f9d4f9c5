package lsm_test

import (
	"bytes"
	"testing"

	"rollcall/store/internal/lsm"
)

// A manifest that decodes is encoded to what decodes to the same.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x09\x80\x10\x07\x01\x05\xff\x01\x03\x80\x20\x08\x02\x01\x10\x00\x00"))
	f.Add([]byte("\x01\x00\x01\x00\x01\x01\x00\x00")) // a run's number that was not given out
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := lsm.RoundTripManifest(b)
		if err != nil {
			return
		}
		twice, err := lsm.RoundTripManifest(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x comes back as %x, %v", once, twice, err)
		}
	})
}
