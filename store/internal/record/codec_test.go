package record_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/record"
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
		once, err := roundTrip(b, civil.Micros(at))
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return roundTrip(b, civil.Micros(at)) })
	})
}

// An encrypted text comes back as it was, and not at all if any bit of the record's
// key or value was changed.
func FuzzEncrypted(f *testing.F) {
	f.Add([]byte("hello"), int64(1_700_000_000e6), uint16(0))
	f.Add([]byte(""), int64(-1), uint16(24*8))
	f.Add([]byte("你好"), int64(0), uint16(50*8+3))
	k := crypt.NewKey()
	f.Fuzz(func(t *testing.T, text []byte, at int64, bit uint16) {
		for _, flip := range []bool{false, true} {
			open, err := roundTripEncrypted(k, text, civil.Micros(at), func(record []byte) {
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

func FuzzBlock(f *testing.F) {
	first := record.Key{User: 5, Time: -3, ID: 7}.Append(nil)
	id := "\x00\x00\x00\x00\x00\x00\x00\x09"
	f.Add(first, []byte("\x01a record's value"))
	f.Add(first, []byte("\x02\x02ab\x00\x05"+id+"\x01c\x00\x80\x01"+id+"\x00"))                       // of one user
	f.Add(first, []byte("\x02\x00\x01\x7f\xff\xff\xff\xff\xff\xff\xff"+id+"\x01c\x00\x00"+id+"\x00")) // of another one, and twice the same key
	f.Add(first, []byte("\x02\x01\x02"))                                                              // a value that begins as a block does
	f.Add(first, []byte("\x02"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), []byte("\x02\x00\x01"+id+id+"\x00")) // beyond the last user
	f.Fuzz(func(t *testing.T, key, b []byte) {
		once, err := roundTripBlock(key, b)
		mustSettle(t, once, err, func(b []byte) ([]byte, error) { return roundTripBlock(key, b) })
	})
}

func FuzzExtra(f *testing.F) {
	f.Add([]byte("\x01\x02hi\x02\x01q\x03\x01a\x03\x00\x04\x03cat"))
	f.Add([]byte("\x02\x00"))
	f.Add([]byte("\x09\x02xx"))
	f.Add([]byte("\x03\x01a"))
	f.Add([]byte("\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		once, twice, sound, err := roundTripExtra(b)
		if sound && (err != nil || !reflect.DeepEqual(once, twice)) {
			t.Fatalf("%x: %+v comes back as %+v, %v", b, once, twice, err)
		}
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

// A record without any of this is stored as it was before there was.
func TestPlainRecordIsAsBefore(t *testing.T) {
	for _, test := range []struct {
		value record.Value
		text  string
		want  string
	}{
		{record.Value{Source: record.SourceLive, Channel: 1}, "hello", "010101" + hex.EncodeToString([]byte("hello"))},
		{rich, "hello, 世界", "0181011d01080000000000000007020800000000000000080301020604" + "80ade204" + hex.EncodeToString([]byte("hello, 世界"))},
	} {
		if have := hex.EncodeToString(encode(test.value, test.text)); have != test.want {
			t.Errorf("it is stored as %s, want %s", have, test.want)
		}
	}
}

func BenchmarkRecordValue(b *testing.B) {
	text := strings.Repeat("about as long as people write ", 2)
	plain := record.Value{Source: record.SourceLive, Channel: 1, ReplyTo: 7, ReplyUser: 8}
	value := encode(plain, text)
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			encode(plain, text)
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := decode(value, at); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// at is the time of the records of these tests.
const at civil.Micros = 1_700_000_000e6

// rich is a record with most of what a record can have.
var rich = record.Value{
	Source: record.SourceLive, Channel: 1, ReplyTo: 7, ReplyUser: 8, Attachments: 2, Edited: at + 5e6,
}

// roundTrip decodes a record's value and encodes it again.
func roundTrip(b []byte, at civil.Micros) (again []byte, err error) {
	s, err := record.Decode(b, at)
	if err != nil {
		return nil, err
	}
	return append(s.AppendHead(nil, at, s.Encrypted), s.Raw...), nil
}

// roundTripExtra unpacks the texts of an Extra, packs what they say and unpacks it again.
// ok is false if the bytes cannot have been packed.
func roundTripExtra(b []byte) (once, twice record.Extra, ok bool, err error) {
	s := record.Value{More: b, MoreSize: len(b), Forward: true}
	if !s.ExtraOK() {
		return once, twice, false, record.DecodeExtra(&record.Extra{}, b)
	}
	if err := record.DecodeExtra(&once, b); err != nil {
		return once, twice, true, err
	}
	return once, twice, true, record.DecodeExtra(&twice, record.AppendExtra(nil, &once))
}

// encode returns the value that a record is stored with in a database without a key, but
// for its checksum.
func encode(v record.Value, text string) []byte {
	return record.Append(nil, crypt.NewKeyring(nil).Texts(""), record.Key{User: 2, Time: at, ID: 5}, &v, text)[record.KeySize:]
}

// decode is what reading a record's value takes; it returns the length of its content.
func decode(value []byte, at civil.Micros) (int, error) {
	s, err := record.Decode(value, at)
	if err != nil {
		return 0, err
	}
	var room []byte
	err = s.Open(crypt.NewKeyring(nil).Texts(""), nil, &room)
	return len(s.Text), err
}

// roundTripBlock decodes a block and encodes it again, and wants the entries of that to
// be the same.
func roundTripBlock(key, b []byte) ([]byte, error) {
	first := record.PadKey(key)
	entries, err := record.DecodeBlock(nil, first, b)
	if err != nil {
		return nil, err
	}
	again := record.AppendBlock(nil, entries)
	other, err := record.DecodeBlock(nil, first, again)
	same := func(a, b record.Entry) bool { return a.Key == b.Key && string(a.Value) == string(b.Value) }
	if err != nil || !slices.EqualFunc(entries, other, same) {
		panic(fmt.Sprintf("%v comes back as %v, %v", entries, other, err))
	}
	return again, nil
}

// roundTripEncrypted encrypts a record's text and opens it again, after a change to
// the stored key and value (without its checksum).
func roundTripEncrypted(k crypt.Key, text []byte, at civil.Micros, change func(record []byte)) ([]byte, error) {
	m, err := k.Master(make([]byte, 16), 1)
	if err != nil {
		return nil, err
	}
	t := crypt.NewKeyring(m).Texts("user_stats/1")
	b := record.Append(nil, t, record.Key{User: 2, Time: at, ID: 3}, &record.Value{Source: record.SourceLive, Channel: 4, ReplyTo: 5}, text)
	change(b)
	s, err := record.Decode(b[record.KeySize:], at)
	if err != nil {
		return nil, err
	}
	err = s.Open(t, b[:record.KeySize], new([]byte))
	return s.Text, err
}
