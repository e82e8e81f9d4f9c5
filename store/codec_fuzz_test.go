package store_test

import (
	"bytes"
	"testing"

	"rollcall/store"
)

// The codecs take any bytes without a panic, and what they encode they decode to
// the same: encoding a second time changes nothing.

func FuzzRecord(f *testing.F) {
	f.Add([]byte("\x01\x03\x05hello"), int64(1_700_000_000e6))
	f.Add([]byte("\x01\x81\x00\x0d\x01\x08\x00\x00\x00\x00\x00\x00\x00\x09\x03\x01\x02"), int64(0))
	f.Add([]byte("\x01\x82\x7f\x03\x04\x01\x05text"), int64(-5))
	f.Add([]byte("\x01\x84\x01\x04\x63\x02xxhi"), int64(7))
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		once, err := store.RoundTripRecord(b, store.Micros(at))
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return store.RoundTripRecord(b, store.Micros(at)) })
	})
}

func FuzzChunk(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x07\x02\x05\x09"), uint32(1<<27))
	f.Fuzz(func(t *testing.T, b []byte, q uint32) {
		q %= 1 << 28
		once, err := store.RoundTripChunk(b, q)
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return store.RoundTripChunk(b, q) })
	})
}

func FuzzWeek(f *testing.F) {
	f.Add([]byte("\x02\x01\x05\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := store.RoundTripWeek(b)
		mustSettle(t, once, err, store.RoundTripWeek)
	})
}

func FuzzGuild(f *testing.F) {
	f.Add([]byte("\x05\x02\x01\x01\x02\x04\x00"))
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

func FuzzDense(f *testing.F) {
	f.Add(uint64(0), []byte("\x07\x02ab\x01\x00\x80\x01\x01c"))
	f.Add(uint64(1<<64-2), []byte("\x01\x01x"))
	f.Fuzz(func(t *testing.T, first uint64, b []byte) {
		once, err := store.RoundTripDense(store.ID(first), b)
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return store.RoundTripDense(store.ID(first), b) })
	})
}
