package rollup_test

import (
	"bytes"
	"testing"

	"rollcall/store/internal/rollup"
)

// The codecs take any bytes without a panic, and what they encode they decode to
// the same: encoding a second time deltas nothing.

func FuzzChunk(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x07\x02\x05\x09"), uint32(1<<27))
	f.Fuzz(func(t *testing.T, b []byte, q uint32) {
		q %= 1 << 28
		once, err := rollup.RoundTripChunk(b, q)
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return rollup.RoundTripChunk(b, q) })
	})
}

func FuzzWeek(f *testing.F) {
	f.Add([]byte("\x02\x01\x05\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := rollup.RoundTripWeek(b)
		mustSettle(t, once, err, rollup.RoundTripWeek)
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
