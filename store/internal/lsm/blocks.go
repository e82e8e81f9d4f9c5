package lsm

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// blockCursor goes through the records of a bucket of blocks, or through some in
// memory.
type blockCursor struct {
	c       *bbolt.Cursor  // nil: in memory
	entries []record.Entry // of the block where it is
	at      int            // and the place in them; it is nowhere if that is outside
	room    []record.Entry
	key     [record.KeySize]byte // room for one
}

func (b *blockCursor) valid() bool { return b.at >= 0 && b.at < len(b.entries) }

func (b *blockCursor) entry() *record.Entry { return &b.entries[b.at] }

// load takes in a block, none if key is nil.
func (b *blockCursor) load(key, value []byte) {
	if b.room == nil {
		b.room = make([]record.Entry, 0, record.BlockEntries)
	}
	if b.entries = b.room[:0]; key != nil {
		b.entries = ReadBlock(b.entries, &b.key, b.c.Bucket(), key, value)
		b.room = b.entries
	}
}

// ReadBlock adds the records of a block. If its last record is as it should be, so are
// the keys of all before it in order, and none lies in the place of another block.
func ReadBlock(to []record.Entry, room *[record.KeySize]byte, bucket *bbolt.Bucket, key, value []byte) []record.Entry {
	n := len(to)
	to, err := record.DecodeBlock(to, record.PadKey(key), value)
	if err == nil && to[len(to)-1].ChecksumOK(room) {
		return to
	}
	return salvage(to, n, bucket, key, value, err != nil)
}

// salvage keeps of the entries from a place on, which are those of a damaged block as
// far as it decodes, what lies before the next block: no other block's records are
// hidden by them. One that fails its checksum stands for what is lost.
func salvage(to []record.Entry, from int, bucket *bbolt.Bucket, key, value []byte, lost bool) []record.Entry {
	c := bucket.Cursor()
	c.Seek(key)
	next, _ := c.Next()
	end := len(to)
	if next != nil {
		n, _ := record.Find(to[from:], record.PadKey(next))
		end = from + n
	}
	if lost = lost || end < len(to); !lost {
		return to
	}
	at := record.PadKey(key)
	if to = to[:end]; end > from {
		at = to[end-1].Key
		at.ID++
	}
	if end == from || at.ID != 0 && (next == nil || at.Compare(record.PadKey(next)) < 0) {
		to = append(to, record.Entry{Key: at, Value: value})
	}
	return to
}

func (b *blockCursor) seek(to record.Key) {
	n := len(b.entries)
	if b.c == nil || n > 0 && b.entries[0].Key.Compare(to) <= 0 && b.entries[n-1].Key.Compare(to) >= 0 {
		b.at, _ = record.Find(b.entries, to)
		return
	}
	var room [record.KeySize]byte
	want := to.Append(room[:0])
	key, value, _ := kv.SeekLE(b.c, want)
	if key == nil {
		key, value = b.c.First()
	}
	b.load(key, value)
	b.at, _ = record.Find(b.entries, to)
	if n := len(b.entries); n > 0 && b.at == n {
		b.at--
		b.next()
	}
}

func (b *blockCursor) first() {
	b.at = 0
	if b.c != nil {
		b.load(b.c.First())
	}
}

func (b *blockCursor) last() {
	if b.c != nil {
		b.load(b.c.Last())
	}
	b.at = len(b.entries) - 1
}

func (b *blockCursor) next() {
	if b.at++; b.at == len(b.entries) && b.c != nil {
		b.load(b.c.Next())
		b.at = 0
	}
}

func (b *blockCursor) prev() {
	if b.at--; b.at < 0 && b.c != nil {
		b.load(b.c.Prev())
		b.at = len(b.entries) - 1
	}
}

// blockWriter changes a bucket of blocks.
type blockWriter struct {
	arena  *kv.Arena
	bucket *bbolt.Bucket
	old    []record.Entry
	merged []record.Entry
	key    [record.KeySize]byte // room for one
}

// put stores entries, which are in order.
func (d *blockWriter) put(entries []record.Entry) error {
	for len(entries) > 0 {
		key, next := d.open(entries[0].Key)
		n := len(entries)
		if next != nil {
			n, _ = record.Find(entries, record.PadKey(next))
		}
		fresh := entries[:n]
		entries = entries[n:]
		if len(d.old) > 0 && record.SizeOf(d.old) >= record.BlockAim && d.old[len(d.old)-1].Key.Compare(fresh[0].Key) < 0 {
			key, d.old = nil, d.old[:0] // full, and nothing comes into its midst
		}
		d.merged = record.Merge(d.merged[:0], d.old, fresh)
		if err := d.write(key, d.merged); err != nil {
			return err
		}
	}
	return nil
}

// open decodes the block in which a record has its place into old, and returns the
// block's key, nil if there is none, and that of the next block.
func (d *blockWriter) open(at record.Key) (key, next []byte) {
	d.old = d.old[:0]
	c := d.bucket.Cursor()
	var room [record.KeySize]byte
	want := at.Append(room[:0])
	key, value, next := kv.SeekLE(c, want)
	if bytes.Equal(key, want) {
		next, _ = c.Next()
	}
	if key == nil {
		return nil, next
	}
	d.old = ReadBlock(d.old, &d.key, d.bucket, key, value)
	return key, next
}

// write puts entries in the place of the block under a key, of none if it is nil.
func (d *blockWriter) write(key []byte, entries []record.Entry) error {
	if key != nil && (len(entries) == 0 || entries[0].Key != record.PadKey(key)) {
		if err := d.bucket.Delete(key); err != nil {
			return err
		}
	}
	parts, size := 1, record.SizeOf(entries)
	if size > record.BlockMost {
		parts = (size + record.BlockAim - 1) / record.BlockAim
	}
	aim := size / parts
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (size < aim || parts == 1) {
			size += len(entries[n].Value) + record.EntryHead
			n++
		}
		b := entries[0].Key.Append(d.arena.Alloc(record.KeySize + size + n*binaryMost))
		b = record.AppendBlock(b, entries[:n])
		if err := d.bucket.Put(b[:record.KeySize], b[record.KeySize:]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// binaryMost is by how much a record may take more in a block than record.EntryHead says.
const binaryMost = 16

// replace stores another value in the place of a record that is there, none if it is
// nil. It reports whether the record was there, and by how many bytes the block grew.
func (d *blockWriter) replace(at record.Key, value []byte) (found bool, grown int, err error) {
	key, _ := d.open(at)
	i, found := record.Find(d.old, at)
	if !found {
		return false, 0, nil
	}
	before := record.SizeOf(d.old)
	if value == nil {
		d.old = slices.Delete(d.old, i, i+1)
	} else {
		d.old[i].Value = value
	}
	return true, record.SizeOf(d.old) - before, d.write(key, d.old)
}
