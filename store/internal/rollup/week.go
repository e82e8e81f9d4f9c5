package rollup

import (
	"cmp"
	"encoding/binary"
	"slices"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
)

// A cell counts one user's messages in one channel during one quarter hour of a
// week. A user's week is packed as its cells in order of quarter and channel:
//
//	{ (difference to the quarter before) << 1 | more · channel · [count, if more] }*
//
// "more" says that the count is not 1.
type Cell struct {
	Quarter uint16 // of the week, 0 to 671
	Channel uint32
	Count   int64
}

func compareCells(a, b Cell) int {
	if a.Quarter != b.Quarter {
		return int(a.Quarter) - int(b.Quarter)
	}
	return cmp.Compare(a.Channel, b.Channel)
}

// AppendWeek packs sorted cells.
func AppendWeek(b []byte, cells []Cell) []byte {
	before := uint16(0)
	for _, c := range cells {
		head := uint64(c.Quarter-before) << 1
		before = c.Quarter
		if c.Count == 1 {
			b = binary.AppendUvarint(b, head)
			b = binary.AppendUvarint(b, uint64(c.Channel))
			continue
		}
		b = binary.AppendUvarint(b, head|1)
		b = binary.AppendUvarint(b, uint64(c.Channel))
		b = binary.AppendUvarint(b, uint64(c.Count))
	}
	return b
}

// DecodeWeek adds the cells of a user's week whose checksum was taken off.
func DecodeWeek(to []Cell, b []byte) ([]Cell, error) {
	quarter := uint64(0)
	for len(b) > 0 {
		head, n := binary.Uvarint(b)
		if n <= 0 {
			return to, kv.ErrBadValue
		}
		b = b[n:]
		channel, n := binary.Uvarint(b)
		if n <= 0 || channel > 1<<32-1 {
			return to, kv.ErrBadValue
		}
		b = b[n:]
		count := uint64(1)
		if head&1 != 0 {
			if count, n = binary.Uvarint(b); n <= 0 || count > 1<<62 {
				return to, kv.ErrBadValue
			}
			b = b[n:]
		}
		if quarter += head >> 1; head>>1 >= civil.WeekQuarters || quarter >= civil.WeekQuarters {
			return to, kv.ErrBadValue
		}
		to = append(to, Cell{uint16(quarter), uint32(channel), int64(count)})
	}
	return to, nil
}

// AddCells adds deltas (counts may be negative) to sorted cells and drops what
// becomes zero.
func AddCells(cells, deltas []Cell) []Cell {
	cells = append(cells, deltas...)
	slices.SortFunc(cells, compareCells)
	sum := cells[:0]
	for _, c := range cells {
		if n := len(sum); n > 0 && compareCells(sum[n-1], c) == 0 {
			sum[n-1].Count += c.Count
		} else {
			sum = append(sum, c)
		}
	}
	return slices.DeleteFunc(sum, func(c Cell) bool { return c.Count == 0 })
}
