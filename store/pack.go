package store

import (
	"cmp"
	"encoding/binary"
	"slices"

	"rollcall/internal/civil"
)

// A timeline chunk holds some of the records of a quarter hour, by user:
//
//	{ user u64 · count · first offset · {difference to the one before}* }*
//
// Offsets are µs since the quarter's start, ascending, and may repeat.
type moment struct {
	time Micros
	user ID
}

// appendChunk packs moments of one quarter hour; they are sorted by user and time.
func appendChunk(b []byte, q uint32, moments []moment) []byte {
	start := civil.QuarterStart(q)
	for i := 0; i < len(moments); {
		j := i
		for j < len(moments) && moments[j].user == moments[i].user {
			j++
		}
		b = u64(b, uint64(moments[i].user))
		b = binary.AppendUvarint(b, uint64(j-i))
		before := start
		for ; i < j; i++ {
			b = binary.AppendUvarint(b, uint64(moments[i].time-before))
			before = moments[i].time
		}
	}
	return b
}

// decodeChunk adds the moments of a chunk whose checksum was taken off.
func decodeChunk(to []moment, q uint32, b []byte) ([]moment, error) {
	for len(b) > 0 {
		if len(b) < 8 {
			return to, errBadValue
		}
		user := ID(binary.BigEndian.Uint64(b))
		count, n := binary.Uvarint(b[8:])
		b = b[8:]
		if n <= 0 || count == 0 || count > uint64(len(b)) {
			return to, errBadValue
		}
		b = b[n:]
		at := civil.QuarterStart(q)
		for ; count > 0; count-- {
			delta, n := binary.Uvarint(b)
			if n <= 0 || delta >= civil.QuarterMicros {
				return to, errBadValue
			}
			at += Micros(delta)
			to = append(to, moment{at, user})
			b = b[n:]
		}
		if civil.QuarterOf(at) != q {
			return to, errBadValue
		}
	}
	return to, nil
}

func compareMoments(a, b moment) int {
	if a.user != b.user {
		return cmp.Compare(a.user, b.user)
	}
	return cmp.Compare(a.time, b.time)
}

// A cell counts one user's messages in one channel during one quarter hour of a
// week. A user's week is packed as its cells in order of quarter and channel:
//
//	{ (difference to the quarter before) << 1 | more · channel · [count, if more] }*
//
// "more" says that the count is not 1.
type cell struct {
	quarter uint16 // of the week, 0 to 671
	channel uint32
	count   int64
}

func compareCells(a, b cell) int {
	if a.quarter != b.quarter {
		return int(a.quarter) - int(b.quarter)
	}
	return cmp.Compare(a.channel, b.channel)
}

// appendWeek packs sorted cells.
func appendWeek(b []byte, cells []cell) []byte {
	before := uint16(0)
	for _, c := range cells {
		head := uint64(c.quarter-before) << 1
		before = c.quarter
		if c.count == 1 {
			b = binary.AppendUvarint(b, head)
			b = binary.AppendUvarint(b, uint64(c.channel))
			continue
		}
		b = binary.AppendUvarint(b, head|1)
		b = binary.AppendUvarint(b, uint64(c.channel))
		b = binary.AppendUvarint(b, uint64(c.count))
	}
	return b
}

// decodeWeek adds the cells of a user's week whose checksum was taken off.
func decodeWeek(to []cell, b []byte) ([]cell, error) {
	quarter := uint64(0)
	for len(b) > 0 {
		head, n := binary.Uvarint(b)
		if n <= 0 {
			return to, errBadValue
		}
		b = b[n:]
		channel, n := binary.Uvarint(b)
		if n <= 0 || channel > 1<<32-1 {
			return to, errBadValue
		}
		b = b[n:]
		count := uint64(1)
		if head&1 != 0 {
			if count, n = binary.Uvarint(b); n <= 0 || count > 1<<62 {
				return to, errBadValue
			}
			b = b[n:]
		}
		if quarter += head >> 1; head>>1 >= civil.WeekQuarters || quarter >= civil.WeekQuarters {
			return to, errBadValue
		}
		to = append(to, cell{uint16(quarter), uint32(channel), int64(count)})
	}
	return to, nil
}

// addCells adds changes (counts may be negative) to sorted cells and drops what
// becomes zero.
func addCells(cells, changes []cell) []cell {
	cells = append(cells, changes...)
	slices.SortFunc(cells, compareCells)
	sum := cells[:0]
	for _, c := range cells {
		if n := len(sum); n > 0 && compareCells(sum[n-1], c) == 0 {
			sum[n-1].count += c.count
		} else {
			sum = append(sum, c)
		}
	}
	return slices.DeleteFunc(sum, func(c cell) bool { return c.count == 0 })
}
