package export

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"rollcall/internal/atomicfile"
	"rollcall/store"
)

// The state of an export is the list of the records that have been exported: a header, the
// selection, and, compressed, an entry for each in their order:
//
//	guild u64 · user u64 · time i64 · message u64 · CRC-32C of the record, all varints
//
// guild and user are 0 where they are those of the entry before; time is then the difference.
const stateHeader = "rollcall export state 1\n"

// maxSelection bounds the text of the selection.
const maxSelection = 1 << 16

// errState is returned for a file that cannot be read as a state.
var errState = errors.New("it is no state of an export, or damaged: name another file, and everything is exported")

// Since passes on what an earlier export did not have: records that are new, and those that
// have changed since (an edit, a text that is not kept any more). It is a Sink.
type Since struct {
	to        Sink
	path      string
	selection string

	old     *stateReader // nil: there is none
	group   []entry      // of the old state, all of one guild, user and time
	pending User
	told    bool // to has been told of the user
	guild   store.ID

	file    *atomicfile.PendingFile
	buffer  *bufio.Writer
	packed  *zstd.Encoder
	last    entry
	b, body []byte

	// New and Known are how many records were passed on, and how many were not.
	New, Known int64
}

// entry is a record in a state.
type entry struct {
	guild, user store.ID
	time        store.Micros
	message     store.ID
	sum         uint32
}

func (e entry) compare(o entry) int {
	return cmp.Or(cmp.Compare(e.guild, o.guild), cmp.Compare(e.user, o.user), cmp.Compare(e.time, o.time))
}

// NewSince reads the state in the file at path, if there is one. The selection says in words
// what is exported: a state of another selection is refused.
func NewSince(path, selection string, to Sink) (_ *Since, err error) {
	s := &Since{to: to, path: path, selection: selection}
	if s.old, err = openState(path, selection); err != nil {
		return nil, err
	}
	if s.file, err = atomicfile.Create(path); err != nil {
		return nil, errors.Join(err, s.old.close())
	}
	head := append([]byte(stateHeader), appendText(nil, selection)...)
	if _, err := s.file.Write(head); err != nil {
		s.Discard()
		return nil, err
	}
	s.buffer = bufio.NewWriterSize(s.file, 1<<16)
	if s.packed, err = zstd.NewWriter(s.buffer, zstd.WithEncoderConcurrency(1)); err != nil {
		s.Discard()
		return nil, err
	}
	return s, nil
}

// Guild passes on a guild.
func (s *Since) Guild(g Guild) error {
	s.guild, s.pending, s.told = g.ID, User{}, false
	return s.to.Guild(g)
}

// Channel passes on a channel.
func (s *Since) Channel(c Channel) error { return s.to.Channel(c) }

// User passes on a user with the first record that is new.
func (s *Since) User(u User) error {
	s.pending, s.told = u, false
	return nil
}

// Record passes on a record that is new.
func (s *Since) Record(r *store.Record) error {
	s.body = appendRecord(s.body[:0], r)
	e := entry{s.guild, s.pending.ID, r.Time, r.Message, crc32.Checksum(s.body, crc32.MakeTable(crc32.Castagnoli))}
	if err := s.put(e); err != nil {
		return err
	}
	known, err := s.knows(e)
	if err != nil {
		return err
	}
	if known {
		s.Known++
		return nil
	}
	s.New++
	if !s.told {
		s.told = true
		if err := s.to.User(s.pending); err != nil {
			return err
		}
	}
	return s.to.Record(r)
}

// knows reports whether the old state has an entry.
func (s *Since) knows(e entry) (bool, error) {
	if s.old == nil {
		return false, nil
	}
	for len(s.group) == 0 || s.group[0].compare(e) < 0 {
		var err error
		if s.group, err = s.old.group(s.group[:0]); err != nil {
			return false, err
		}
		if len(s.group) == 0 {
			return false, nil
		}
	}
	for _, old := range s.group {
		if old == e {
			return true, nil
		}
	}
	return false, nil
}

func (s *Since) put(e entry) error {
	b, written := s.b[:0], e
	if e.guild == s.last.guild && e.user == s.last.user {
		written.guild, written.user = 0, 0
		written.time -= s.last.time
	}
	b = binary.AppendUvarint(b, uint64(written.guild))
	b = binary.AppendUvarint(b, uint64(written.user))
	b = binary.AppendVarint(b, int64(written.time))
	b = binary.AppendUvarint(b, uint64(e.message))
	b = binary.AppendUvarint(b, uint64(e.sum))
	s.b, s.last = b, e
	_, err := s.packed.Write(b)
	return err
}

// Commit puts the new state in the place of the old one, once what was exported is safe.
func (s *Since) Commit() error {
	defer s.Discard()
	if err := s.packed.Close(); err != nil {
		return err
	}
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	if err := s.old.close(); err != nil {
		return err
	}
	s.old = nil
	if err := s.file.Commit(true); err != nil {
		return fmt.Errorf("state %q: %w", s.path, err)
	}
	return nil
}

// Discard leaves the old state as it is.
func (s *Since) Discard() {
	s.old.close()
	if s.packed != nil {
		s.packed.Close()
	}
	s.file.Discard()
}

// stateReader reads a state.
type stateReader struct {
	file   *os.File
	packed *zstd.Decoder
	in     *bufio.Reader
	next   entry
	ended  bool
}

// openState returns nil if there is no file.
func openState(path, selection string) (*stateReader, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, atomicfile.Plain(err)
	}
	r := &stateReader{file: file}
	if err := r.begin(selection); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *stateReader) begin(selection string) error {
	in := bufio.NewReader(r.file)
	head := make([]byte, len(stateHeader))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != stateHeader {
		return errState
	}
	size, err := binary.ReadUvarint(in)
	if err != nil || size > maxSelection {
		return errState
	}
	was := make([]byte, size)
	if _, err := io.ReadFull(in, was); err != nil {
		return errState
	}
	if string(was) != selection {
		return fmt.Errorf("it is of an export of %s, not of %s: give each its own file", was, selection)
	}
	if r.packed, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1)); err != nil {
		return err
	}
	r.in = bufio.NewReaderSize(r.packed, 1<<16)
	return r.advance()
}

// advance reads the next entry.
func (r *stateReader) advance() error {
	if _, err := r.in.Peek(1); errors.Is(err, io.EOF) {
		r.ended = true
		return nil
	}
	guild, err1 := binary.ReadUvarint(r.in)
	user, err2 := binary.ReadUvarint(r.in)
	at, err3 := binary.ReadVarint(r.in)
	message, err4 := binary.ReadUvarint(r.in)
	sum, err5 := binary.ReadUvarint(r.in)
	if errors.Join(err1, err2, err3, err4, err5) != nil || sum > 1<<32-1 {
		return errState
	}
	e := entry{store.ID(guild), store.ID(user), store.Micros(at), store.ID(message), uint32(sum)}
	if guild == 0 && user == 0 {
		e.guild, e.user = r.next.guild, r.next.user
		e.time += r.next.time
	}
	r.next = e
	return nil
}

// group appends the next entries that are of one guild, user and time; none at the end.
func (r *stateReader) group(group []entry) ([]entry, error) {
	for !r.ended && (len(group) == 0 || r.next.compare(group[0]) == 0) {
		group = append(group, r.next)
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	return group, nil
}

func (r *stateReader) close() error {
	if r == nil {
		return nil
	}
	if r.packed != nil {
		r.packed.Close()
	}
	return r.file.Close()
}
