package export

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"rollcall/store"
)

// runBytes is how much of the records is in memory before a run of them is written.
const runBytes = 48 << 20

// place is where a record belongs in the files of DiscordChatExporter.
type place struct {
	file int // index of its channel
	time store.Micros
	id   uint64
	user store.ID
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.file, o.file), cmp.Compare(p.time, o.time), cmp.Compare(p.id, o.id), cmp.Compare(p.user, o.user))
}

// sorter puts records in the order of their places: runs of them are sorted in memory and
// written to temporary files, and at the end those are merged.
type sorter struct {
	create  func() (*os.File, error)
	b       []byte // encoded records of the run
	entries []sorted
	runs    []*os.File
	most    int // runBytes
}

// sorted is a record of the run that is in memory.
type sorted struct {
	place
	from, to int // in b
}

// add adds a record; encode appends it.
func (s *sorter) add(p place, r *store.Record) error {
	from := len(s.b)
	s.b = appendRecord(s.b, r)
	s.entries = append(s.entries, sorted{p, from, len(s.b)})
	if len(s.b)+len(s.entries)*64 < s.most {
		return nil
	}
	return s.spill()
}

func (s *sorter) sort() {
	slices.SortStableFunc(s.entries, func(a, b sorted) int { return a.compare(b.place) })
}

func (s *sorter) spill() error {
	if len(s.entries) == 0 {
		return nil
	}
	f, err := s.create()
	if err != nil {
		return err
	}
	s.runs = append(s.runs, f)
	s.sort()
	w := bufio.NewWriterSize(f, 1<<18)
	var head []byte
	for _, e := range s.entries {
		head = binary.AppendUvarint(head[:0], uint64(e.file))
		head = binary.AppendVarint(head, int64(e.time))
		head = binary.AppendUvarint(head, e.id)
		head = binary.AppendUvarint(head, uint64(e.user))
		head = binary.AppendUvarint(head, uint64(e.to-e.from))
		w.Write(head)
		w.Write(s.b[e.from:e.to])
	}
	s.b, s.entries = s.b[:0], s.entries[:0]
	if err := w.Flush(); err != nil { // of all writes
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// each calls take with all records in order; what it is given is good until it returns.
func (s *sorter) each(take func(place, []byte) error) error {
	if len(s.runs) == 0 {
		s.sort()
		for _, e := range s.entries {
			if err := take(e.place, s.b[e.from:e.to]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	s.b, s.entries = nil, nil
	var m merge
	for i, f := range s.runs {
		r := &run{number: i, in: bufio.NewReaderSize(f, 1<<17)}
		switch err := r.next(); {
		case err == nil:
			m = append(m, r)
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	heap.Init(&m)
	for len(m) > 0 {
		r := m[0]
		if err := take(r.place, r.b); err != nil {
			return err
		}
		switch err := r.next(); {
		case err == nil:
			heap.Fix(&m, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&m)
		default:
			return err
		}
	}
	return nil
}

// close removes the temporary files.
func (s *sorter) close() (err error) {
	for _, f := range s.runs {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	s.runs = nil
	return err
}

// run is one of the files that are merged.
type run struct {
	number int
	in     *bufio.Reader
	place
	b []byte
}

func (r *run) next() error {
	file, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err
	}
	at, err1 := binary.ReadVarint(r.in)
	id, err2 := binary.ReadUvarint(r.in)
	user, err3 := binary.ReadUvarint(r.in)
	size, err4 := binary.ReadUvarint(r.in)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	r.place = place{int(file), store.Micros(at), id, store.ID(user)}
	if uint64(cap(r.b)) < size {
		r.b = make([]byte, size)
	}
	r.b = r.b[:size]
	_, err = io.ReadFull(r.in, r.b)
	return err
}

// merge is a heap of runs.
type merge []*run

func (m merge) Len() int { return len(m) }
func (m merge) Less(i, j int) bool {
	c := m[i].compare(m[j].place)
	return c < 0 || c == 0 && m[i].number < m[j].number
}
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)   { *m = append(*m, x.(*run)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
