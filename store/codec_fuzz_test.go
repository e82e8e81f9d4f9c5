package store_test

import (
	"bytes"
	"strings"
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
	f.Add([]byte("\x01\x09\x03\x01"+strings.Repeat("n", 12)+"text"+strings.Repeat("t", 16)), int64(0))
	f.Add([]byte("\x01\x09\x03too short to be encrypted"), int64(0))
	f.Add([]byte("\x01\x91\x05\x0e\x05\x08\x80\x00\x00\x00\x00\x00\x00\x09\x06\x02\x80\x10"), int64(7))
	f.Add([]byte("\x01\x81\x00\x06\x07\x01\x03\x08\x01\x02hi\x04\x01s"), int64(7)) // a forward with a sticker
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		once, err := store.RoundTripRecord(b, store.Micros(at))
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return store.RoundTripRecord(b, store.Micros(at)) })
	})
}

// An encrypted text comes back as it was, and not at all if any bit of the record's
// key or value was changed.
func FuzzEncrypted(f *testing.F) {
	f.Add([]byte("hello"), int64(1_700_000_000e6), uint16(0))
	f.Add([]byte(""), int64(-1), uint16(24*8))
	f.Add([]byte("你好"), int64(0), uint16(50*8+3))
	k := key(f, 7)
	f.Fuzz(func(t *testing.T, text []byte, at int64, bit uint16) {
		for _, flip := range []bool{false, true} {
			open, err := store.RoundTripEncrypted(k, text, store.Micros(at), func(record []byte) {
				if n := int(bit) % (8 * len(record)); flip {
					record[n/8] ^= 1 << (n % 8)
				}
			})
			if !flip && (err != nil || !bytes.Equal(open, text)) {
				t.Fatalf("%x comes back as %x, %v", text, open, err)
			}
			if flip && err == nil {
				t.Fatalf("with bit %d changed, %x opens as %x", bit, text, open)
			}
		}
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

func FuzzBlock(f *testing.F) {
	first := store.RecordKey(store.Record{User: 5, Time: -3, Message: 7})
	id := "\x00\x00\x00\x00\x00\x00\x00\x09"
	f.Add(first, []byte("\x01a record's value"))
	f.Add(first, []byte("\x02\x02ab\x00\x05"+id+"\x01c\x00\x80\x01"+id+"\x00"))                       // of one user
	f.Add(first, []byte("\x02\x00\x01\x7f\xff\xff\xff\xff\xff\xff\xff"+id+"\x01c\x00\x00"+id+"\x00")) // of another one, and twice the same key
	f.Add(first, []byte("\x02\x01\x02"))                                                              // a value that begins as a block does
	f.Add(first, []byte("\x02"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), []byte("\x02\x00\x01"+id+id+"\x00")) // beyond the last user
	f.Fuzz(func(t *testing.T, key, b []byte) {
		once, err := store.RoundTripBlock(key, b)
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return store.RoundTripBlock(key, b) })
	})
}

func FuzzRuns(f *testing.F) {
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x09\x80\x10\x07\x01\x05\xff\x01\x03\x80\x20\x08\x02\x01\x10\x00\x00"))
	f.Add([]byte("\x01\x00\x01\x00\x01\x01\x00\x00")) // a run's number that was not given out
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := store.RoundTripRuns(b)
		mustSettle(t, once, err, store.RoundTripRuns)
	})
}
