package boltfile

import (
	"encoding/binary"
	"fmt"
	"io"

	"go.etcd.io/bbolt"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/kv"
)

// pages reads the pages of a bbolt file as they lie there, since bbolt does not
// tell which page a key is on. A page begins with
//
//	its number u64 · flags u16 · number of elements u16 · further pages it takes u32
//
// Then its elements, in the order of their keys: of a branch
//
//	position u32 · size of the key u32 · page u64
//
// and of a leaf
//
//	flags u32 · position u32 · size of the key u32 · size of the value u32
//
// where the position of the key, which the value follows, counts from the element's
// first byte. The value of a bucket is
//
//	page of its root u64, 0 if it follows here · the number it last gave out u64
//
// Numbers are in the byte order of the machine. So bbolt has laid it out since its
// first release, as version 2, which it wants to find in the meta pages.
type pages struct {
	file io.ReaderAt
	size int    // of a page
	end  uint64 // the number of pages that are in use
}

const (
	pageHeader   = 16
	elementSize  = 16
	bucketHeader = 16
	flagBranch   = 1 // of a page
	flagLeaf     = 2
	flagBucket   = 1 // of a leaf's element
	maxHeight    = 64
)

// pagesOf returns the pages that a transaction sees. They stay as they are until it ends.
func pagesOf(h *handle, tx *bbolt.Tx) *pages {
	return &pages{h.file, h.pageSize, uint64(tx.Size()) / uint64(h.pageSize)}
}

// filePage is the bytes of a page, with those of the further ones that it takes.
type filePage []byte

func (p filePage) flags() uint16 { return binary.NativeEndian.Uint16(p[8:]) }
func (p filePage) count() int    { return int(binary.NativeEndian.Uint16(p[10:])) }

func badPage(id uint64) error { return fmt.Errorf("%w: page %d is none of a tree", kv.ErrDamaged, id) }

// read returns a page in memory of its own.
func (p *pages) read(id uint64) (filePage, error) {
	if id < 2 || id >= p.end {
		return nil, badPage(id)
	}
	b := make(filePage, p.size)
	if _, err := p.file.ReadAt(b, int64(id)*int64(p.size)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, atomicfile.Plain(err))
	}
	more := uint64(binary.NativeEndian.Uint32(b[12:]))
	if binary.NativeEndian.Uint64(b) != id || b.flags() != flagBranch && b.flags() != flagLeaf || id+more >= p.end {
		return nil, badPage(id)
	}
	if more > 0 {
		b = append(b, make(filePage, more*uint64(p.size))...)
		if _, err := p.file.ReadAt(b[p.size:], int64(id+1)*int64(p.size)); err != nil {
			return nil, fmt.Errorf("read page %d: %w", id, atomicfile.Plain(err))
		}
	}
	if pageHeader+b.count()*elementSize > len(b) {
		return nil, badPage(id)
	}
	return b, nil
}

// child is the page below the element i of a branch.
func (p filePage) child(i int) uint64 {
	return binary.NativeEndian.Uint64(p[pageHeader+i*elementSize+8:])
}

// item is the element i of a leaf.
func (p filePage) item(i int) (key, value []byte, bucket, ok bool) {
	at := pageHeader + i*elementSize
	e := p[at:]
	from := at + int(binary.NativeEndian.Uint32(e[4:]))
	middle := from + int(binary.NativeEndian.Uint32(e[8:]))
	to := middle + int(binary.NativeEndian.Uint32(e[12:]))
	if from < at+elementSize || middle <= from || to < middle || to > len(p) {
		return nil, nil, false, false
	}
	return p[from:middle:middle], p[middle:to:to], binary.NativeEndian.Uint32(e)&flagBucket != 0, true
}

// walk visits the tree below a bucket's root, each branch before what is below
// it. enter reports whether to look into a page at all; leaf, if there is one, is
// called with each leaf that was entered. Without one, leaves are not read.
func (p *pages) walk(root uint64, enter func(id uint64) (bool, error), leaf func(id uint64, b filePage) error) error {
	height := 0
	if leaf == nil { // all leaves are equally far below
		for id := root; ; height++ {
			b, err := p.read(id)
			if err != nil {
				return err
			}
			if b.flags() == flagLeaf {
				break
			}
			if b.count() == 0 || height >= maxHeight {
				return badPage(id)
			}
			id = b.child(0)
		}
	}
	return p.below(root, height, 0, enter, leaf)
}

func (p *pages) below(id uint64, height, depth int, enter func(uint64) (bool, error), leaf func(uint64, filePage) error) error {
	if depth > maxHeight {
		return badPage(id)
	}
	if more, err := enter(id); err != nil || !more || leaf == nil && depth == height {
		return err
	}
	b, err := p.read(id)
	if err != nil {
		return err
	}
	if b.flags() == flagLeaf {
		if leaf == nil {
			return badPage(id)
		}
		return leaf(id, b)
	}
	for i := range b.count() {
		if err := p.below(b.child(i), height, depth+1, enter, leaf); err != nil {
			return err
		}
	}
	return nil
}

// pageSet is a set of page numbers, a bit each.
type pageSet []uint64

func newPageSet(p *pages) pageSet { return make(pageSet, p.end/64+1) }

func (s pageSet) has(id uint64) bool {
	return id/64 < uint64(len(s)) && s[id/64]&(1<<(id%64)) != 0
}

// add returns false if the number was there already.
func (s pageSet) add(id uint64) bool {
	if id/64 >= uint64(len(s)) || s.has(id) {
		return false
	}
	s[id/64] |= 1 << (id % 64)
	return true
}
