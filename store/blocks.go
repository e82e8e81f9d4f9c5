package store

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"
)

// blockCursor goes through the records of a bucket of blocks, or through some in
// memory.
type blockCursor struct {
	c       *bbolt.Cursor // nil: in memory
	entries []entry       // of the block where it is
	at      int           // and the place in them; it is nowhere if that is outside
	room    []entry
	key     [recordKeySize]byte // room for one
}

func (b *blockCursor) valid() bool { return b.at >= 0 && b.at < len(b.entries) }

func (b *blockCursor) entry() *entry { return &b.entries[b.at] }

// load takes in a block, none if key is nil.
func (b *blockCursor) load(key, value []byte) {
	if b.room == nil {
		b.room = make([]entry, 0, blockEntries)
	}
	if b.entries = b.room[:0]; key != nil {
		b.entries = readBlock(b.entries, &b.key, b.c.Bucket(), key, value)
		b.room = b.entries
	}
}

// readBlock adds the records of a block. If its last record is as it should be, so are
// the keys of all before it in order, and none lies in the place of another block.
func readBlock(to []entry, room *[recordKeySize]byte, bucket *bbolt.Bucket, key, value []byte) []entry {
	n := len(to)
	to, err := decodeBlock(to, paddedKey(key), value)
	if err == nil && to[len(to)-1].sound(room) {
		return to
	}
	return salvage(to, n, bucket, key, value, err != nil)
}

// salvage keeps of the entries from a place on, which are those of a damaged block as
// far as it decodes, what lies before the next block: no other block's records are
// hidden by them. One that fails its checksum stands for what is lost.
func salvage(to []entry, from int, bucket *bbolt.Bucket, key, value []byte, lost bool) []entry {
	c := bucket.Cursor()
	c.Seek(key)
	next, _ := c.Next()
	end := len(to)
	if next != nil {
		n, _ := findEntry(to[from:], paddedKey(next))
		end = from + n
	}
	if lost = lost || end < len(to); !lost {
		return to
	}
	at := paddedKey(key)
	if to = to[:end]; end > from {
		at = to[end-1].key
		at.id++
	}
	if end == from || at.id != 0 && (next == nil || at.compare(paddedKey(next)) < 0) {
		to = append(to, entry{at, value})
	}
	return to
}

func (b *blockCursor) seek(to recordKey) {
	n := len(b.entries)
	if b.c == nil || n > 0 && b.entries[0].key.compare(to) <= 0 && b.entries[n-1].key.compare(to) >= 0 {
		b.at, _ = findEntry(b.entries, to)
		return
	}
	var room [recordKeySize]byte
	want := to.append(room[:0])
	key, value, _ := seekBack(b.c, want)
	if key == nil {
		key, value = b.c.First()
	}
	b.load(key, value)
	b.at, _ = findEntry(b.entries, to)
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

// paddedKey makes a key of what is shorter or longer than one.
func paddedKey(b []byte) recordKey {
	var room [recordKeySize]byte
	copy(room[:], b)
	key, _ := parseRecordKey(room[:])
	return key
}

// blockWriter changes a bucket of blocks.
type blockWriter struct {
	w      *writeTx
	bucket *bbolt.Bucket
	old    []entry
	merged []entry
	key    [recordKeySize]byte // room for one
}

// put stores entries, which are in order.
func (d *blockWriter) put(entries []entry) error {
	for len(entries) > 0 {
		key, next := d.open(entries[0].key)
		n := len(entries)
		if next != nil {
			n, _ = findEntry(entries, paddedKey(next))
		}
		fresh := entries[:n]
		entries = entries[n:]
		if len(d.old) > 0 && sizeOf(d.old) >= blockAim && d.old[len(d.old)-1].key.compare(fresh[0].key) < 0 {
			key, d.old = nil, d.old[:0] // full, and nothing comes into its midst
		}
		d.merged = mergeEntries(d.merged[:0], d.old, fresh)
		if err := d.write(key, d.merged); err != nil {
			return err
		}
	}
	return nil
}

// open decodes the block in which a record has its place into old, and returns the
// block's key, nil if there is none, and that of the next block.
func (d *blockWriter) open(at recordKey) (key, next []byte) {
	d.old = d.old[:0]
	c := d.bucket.Cursor()
	var room [recordKeySize]byte
	want := at.append(room[:0])
	key, value, next := seekBack(c, want)
	if bytes.Equal(key, want) {
		next, _ = c.Next()
	}
	if key == nil {
		return nil, next
	}
	d.old = readBlock(d.old, &d.key, d.bucket, key, value)
	return key, next
}

// write puts entries in the place of the block under a key, of none if it is nil.
func (d *blockWriter) write(key []byte, entries []entry) error {
	if key != nil && (len(entries) == 0 || entries[0].key != paddedKey(key)) {
		if err := d.bucket.Delete(key); err != nil {
			return err
		}
	}
	parts, size := 1, sizeOf(entries)
	if size > blockMost {
		parts = (size + blockAim - 1) / blockAim
	}
	aim := size / parts
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (size < aim || parts == 1) {
			size += len(entries[n].value) + entryHead
			n++
		}
		b := entries[0].key.append(d.w.arena.Alloc(recordKeySize + size + n*binaryMost))
		b = appendBlock(b, entries[:n])
		if err := d.bucket.Put(b[:recordKeySize], b[recordKeySize:]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// binaryMost is by how much a record may take more in a block than entryHead says.
const binaryMost = 16

// replace stores another value in the place of a record that is there, none if it is
// nil. It says whether the record was there, and by how many bytes the block grew.
func (d *blockWriter) replace(at recordKey, value []byte) (found bool, grown int, err error) {
	key, _ := d.open(at)
	i, found := findEntry(d.old, at)
	if !found {
		return false, 0, nil
	}
	before := sizeOf(d.old)
	if value == nil {
		d.old = slices.Delete(d.old, i, i+1)
	} else {
		d.old[i].value = value
	}
	return true, sizeOf(d.old) - before, d.write(key, d.old)
}
