package store_test

import (
	"bytes"
	"testing"

	"rollcall/store"
)

// The codec of a guild's entry takes any bytes without a panic, and what it encodes it decodes to
// the same: encoding a second time changes nothing.

func FuzzGuild(f *testing.F) {
	f.Add([]byte("\x05\x02\x01\x01\x02\x04\x00"))
	f.Add([]byte("\x05\x02\x01\x01\x02\x04\x00\x80\x10"))
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := store.RoundTripGuild(b)
		mustSettle(t, once, err, store.RoundTripGuild)
	})
}

func mustSettle(t *testing.T, once []byte, err error, again func([]byte) ([]byte, error)) {
	t.Helper()
	if err != nil {
		return
	}
	twice, err := again(once)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%x comes back as %x, %v", once, twice, err)
	}
}
