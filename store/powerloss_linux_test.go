package store_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollcall/store"
)

// The tests in this file record every write, sync and renaming of a process that
// changes a database, and make the states that a loss of power can leave: all that was
// synced, and of the writes since then any subset, each torn anywhere at 512 bytes.

const deedVariable = "STORE_TEST_DEED" // what the process does instead of writing

var powerLossStates = flag.Int("powerloss.states", 150, "states to make from the writes that strace recorded")

// deeds are what a process of its own does to a database. They acknowledge what then
// has to be there.
var deeds = map[string]func(ctx context.Context, path string, acknowledge func()) error{
	"compact": compactDeed,
	"rekey":   rekeyDeed,
	"forget":  forgetDeed,
	"open":    openDeed,
	"move":    moveDeed,
}

func perform(path string, do func(context.Context, string, func()) error) int {
	n := 0
	err := do(context.Background(), path, func() {
		fmt.Println("ack", n)
		n++
	})
	if err != nil {
		fmt.Println("error", err)
		return 3
	}
	return 0
}

// recorded is what a process did to a file, from a copy of it as it was before.
type recorded struct {
	start        []byte
	events       []event
	acknowledged int
	random       *rand.Rand
}

// record lets a process do a deed, "" to write, to the database at path.
func record(t *testing.T, path, deed string) recorded {
	t.Helper()
	start := readFile(t, path)
	trace := filepath.Join(t.TempDir(), "trace")
	acknowledged, _, code := runWriter(t, path, "-f", "-qq", "-y", "-xx", "-s", "67108864", "-o", trace, "-E", deedVariable+"="+deed,
		"-e", "trace=pwrite64,write,fdatasync,fsync,ftruncate,rename,renameat,renameat2")
	if code != 0 {
		t.Fatalf("exit code %d after %d acknowledgements", code, acknowledged)
	}
	r := recorded{start, parseTrace(t, trace, path), acknowledged, rand.New(rand.NewPCG(1, 5))}
	counts := map[string]int{}
	for _, e := range r.events {
		counts[e.kind]++
	}
	if counts["ack"] != acknowledged || counts["sync"] < 2*acknowledged || counts["write"] < 3*acknowledged {
		t.Fatalf("recorded %v", counts)
	}
	return r
}

// lose makes states until one of them is not as it should be. There are fewer of them
// than were asked for where others are made of the same. The first loses power at the end.
func (r recorded) lose(t *testing.T, path string, fewer int, mustHold func(acknowledged int)) {
	t.Helper()
	for i := range *powerLossStates / fewer {
		at := r.random.IntN(len(r.events) + 1)
		if i == 0 {
			at = len(r.events)
		}
		content, acknowledged := lose(r.random, r.start, r.events, at)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if mustHold(acknowledged); t.Failed() {
			return
		}
	}
}

// Each state of a database that is written to opens, is sound, and lacks nothing that
// was acknowledged.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, state := filepath.Join(folder, "rollcall.db"), filepath.Join(folder, "state.db")
	mustClose(t, openWith(t, path, store.Options{}))
	r := record(t, path, "")
	if r.acknowledged != writerBatches {
		t.Fatalf("the writer acknowledged %d batches", r.acknowledged)
	}
	h := &history{want: map[int]map[string]int{}}
	r.lose(t, state, 1, func(acknowledged int) { h.mustHold(t, state, acknowledged) })
}

// compactDeed compacts a database again and again while it writes to it, and once more
// when nothing is written that a sync would come with.
func compactDeed(ctx context.Context, path string, acknowledge func()) error {
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	compacted := make(chan error, 1)
	for i := range writerBatches {
		if i%10 == 4 {
			go func() {
				_, err := db.Compact(ctx, store.CompactOptions{})
				compacted <- err
			}()
		}
		if err := writeBatch(ctx, db, i); err != nil {
			return err
		}
		acknowledge()
		if i%10 == 8 {
			if err := <-compacted; err != nil {
				return err
			}
		}
	}
	if _, err := db.Compact(ctx, store.CompactOptions{}); err != nil {
		return err
	}
	acknowledge()
	return db.Close()
}

// So does one that is compacted meanwhile, whichever of the two files has the name.
func TestPowerLossWhileCompacting(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, state := filepath.Join(folder, "rollcall.db"), filepath.Join(folder, "state.db")
	h := &history{want: map[int]map[string]int{}}
	for i := range 40 { // so much that it is copied in more than one batch
		h.before = append(h.before, live(2, 1, 5000+i, strings.Repeat(fmt.Sprint("before ", i, " "), 6000)))
	}
	db := openWith(t, path, store.Options{})
	mustPut(t, db, store.Batch{Records: h.before})
	mustClose(t, db)
	r := record(t, path, "compact")
	renamed := 0
	for _, e := range r.events {
		if e.kind == "rename" {
			renamed++
		}
	}
	if r.acknowledged != writerBatches+1 || renamed != 5 {
		t.Fatalf("%d acknowledgements, %d files took the name", r.acknowledged, renamed)
	}
	r.lose(t, state, 3, func(acknowledged int) { h.mustHold(t, state, acknowledged) })
}

// moveBatches are batches of which the first one makes runs be merged to one that is
// then moved bit by bit, if the given number of them has been put before.
const movePut = 7

func moveBatches() (batches [][]store.Record) {
	crowd := newCrowd()
	for range movePut + 8 {
		batches = append(batches, crowd.records(1200))
	}
	return batches
}

func moveDeed(ctx context.Context, path string, acknowledge func()) error {
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	for _, batch := range moveBatches()[movePut:] {
		if _, err := db.Put(ctx, store.Batch{Records: batch}); err != nil {
			return err
		}
		acknowledge()
	}
	return db.Close()
}

// So does one in which runs are merged, and moved bit by bit.
func TestPowerLossWhileMoving(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, state := filepath.Join(folder, "rollcall.db"), filepath.Join(folder, "state.db")
	batches := moveBatches()
	db := openWith(t, path, store.Options{})
	for _, batch := range batches[:movePut] {
		mustPut(t, db, store.Batch{Records: batch})
	}
	if shape := shapeOf(t, db, 1); len(shape.Runs) != movePut || shape.Blocks > 0 {
		t.Fatalf("begins with %+v", shape)
	}
	mustClose(t, db)
	r := record(t, path, "move")
	if r.acknowledged != len(batches)-movePut {
		t.Fatalf("%d batches are acknowledged", r.acknowledged)
	}
	moving, moved := 0, 0
	r.lose(t, state, 10, func(acknowledged int) {
		db := openWith(t, state, store.Options{MustExist: true})
		defer mustClose(t, db)
		mustBeSound(t, db)
		have := all(t, db, store.Query{})
		n := movePut + acknowledged
		if len(have) > 1200*n {
			n++
		}
		want := slices.Concat(batches[:min(n, len(batches))]...)
		if byKey(want); !slices.Equal(have, want) {
			t.Errorf("after %d batches: %d records, want %d", acknowledged, len(have), len(want))
		}
		switch shape := shapeOf(t, db, 1); {
		case len(shape.Runs) > 0 && shape.Runs[0].Moving:
			moving++
		case shape.Blocks > 0:
			moved++
		}
	})
	if moving == 0 || moved == 0 {
		t.Errorf("in %d states a run is being moved, in %d all of it has been", moving, moved)
	}
}

const oldKey, newKey = 1, 2

func rekeyDeed(ctx context.Context, path string, acknowledge func()) error {
	keys := [2]store.Key{}
	for i, n := range []byte{oldKey, newKey} {
		var err error
		if keys[i], err = store.ParseKey(keyText(n)); err != nil {
			return err
		}
	}
	o := store.RekeyOptions{Key: keys[0], New: keys[1], Progress: func(_, _ int64) { acknowledge() }}
	_, err := store.RekeyBy(ctx, path, o, 50)
	return err
}

// A change of the key goes on from each state to its end. What has been changed is
// not opened with the old key alone, and nothing is lost.
func TestPowerLossWhileRekeying(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, state := filepath.Join(folder, "rollcall.db"), filepath.Join(folder, "state.db")
	from, to := key(t, oldKey), key(t, newKey)
	db := openWith(t, path, store.Options{Key: from})
	fillSecrets(t, db)
	want := contentsOf(t, db)
	mustClose(t, db)
	r := record(t, path, "rekey")
	if r.acknowledged < 10 {
		t.Fatalf("it took %d steps", r.acknowledged)
	}
	r.lose(t, state, 3, func(acknowledged int) {
		db, err := store.Open(state, store.Options{Key: from})
		if err == nil {
			mustClose(t, db)
		}
		if acknowledged > 0 && !errors.Is(err, store.ErrRekeying) && !errors.Is(err, store.ErrKeyWrong) {
			t.Errorf("after %d steps it opens with the old key: %v", acknowledged, err)
		}
		if _, err := store.Rekey(t.Context(), state, store.RekeyOptions{Key: from, New: to}); err != nil {
			t.Errorf("after %d steps: %v", acknowledged, err)
			return
		}
		db = openWith(t, state, store.Options{Key: to})
		mustAnswer(t, db, want)
		mustBeSound(t, db)
		mustClose(t, db)
	})
}

var forgotten = store.Person{User: 3}

// forgetDeed acknowledges the tombstone, and each step.
func forgetDeed(ctx context.Context, path string, acknowledge func()) error {
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	if _, err := store.ForgetPartly(ctx, db, forgotten, 1); err != nil {
		return err
	}
	acknowledge()
	tasks, err := db.Tasks(ctx)
	for _, task := range tasks {
		for done := false; err == nil && !done; acknowledge() {
			_, done, err = db.Step(ctx, task)
		}
	}
	return errors.Join(err, db.Close())
}

// Whom the database said it would forget is forgotten in each state: nothing brings
// them back, and the rest goes when it is called again. Of others nothing is lost.
func TestPowerLossWhileForgetting(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	folder := t.TempDir()
	path, state := filepath.Join(folder, "rollcall.db"), filepath.Join(folder, "state.db")
	v := newVillage()
	db := openWith(t, path, store.Options{})
	v.move(t, db)
	want := without(all(t, db, store.Query{}), forgotten)
	mustClose(t, db)
	r := record(t, path, "forget")
	if r.acknowledged < 5 {
		t.Fatalf("it took %d transactions", r.acknowledged)
	}
	r.lose(t, state, 3, func(acknowledged int) {
		db := openWith(t, state, store.Options{MustExist: true})
		defer mustClose(t, db)
		mustBeSound(t, db)
		if acknowledged > 0 {
			if stored, imported := v.move(t, db); stored != 0 || imported.Messages != 0 {
				t.Errorf("after %d transactions: %d messages and %d lines come back", acknowledged, stored, imported.Messages)
			}
		}
		if acknowledged < r.acknowledged {
			if _, err := db.Forget(ctx, forgotten); err != nil {
				t.Errorf("after %d transactions: %v", acknowledged, err)
			}
		}
		if have := all(t, db, store.Query{}); !reflect.DeepEqual(have, want) {
			t.Errorf("after %d transactions: %d records are left, want %d, or they are others", acknowledged, len(have), len(want))
		}
		mustBeSound(t, db)
	})
}

func mustClose(t testing.TB, db *store.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// event is a system call of the process.
type event struct {
	kind   string // "write", "sync" or "size" of a file, "ack", "rename", "folder" when that was synced
	file   int    // which of those that have, had, or get the database's name: 0 is there when it begins
	data   []byte
	offset int64 // of a write; the new size
}

// parseTrace reads what strace wrote of the file at path, and of those that take its
// place.
func parseTrace(t *testing.T, trace, path string) (events []event) {
	t.Helper()
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	number := func(text string) int64 {
		digits := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		n, err := strconv.ParseInt(digits[0], 10, 64)
		if err != nil {
			t.Fatal(text, err)
		}
		return n
	}
	files, known := map[string]int{path: 0}, 1
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		text, err := r.ReadString('\n')
		if err != nil {
			break
		}
		_, call, _ := strings.Cut(strings.TrimSpace(text), " ")
		call = strings.TrimSpace(call)
		name, arguments, ok := strings.Cut(call, "(")
		if !ok || strings.HasPrefix(call, "<...") {
			continue // the end of a call that is written where it began
		}
		if strings.HasPrefix(name, "rename") {
			names := strings.Split(arguments, `"`)
			if from, to := decodeHex(names[1]), decodeHex(names[3]); to == path {
				files[path] = files[from]
				events = append(events, event{kind: "rename", file: files[from]})
			}
			continue
		}
		_, rest, _ := strings.Cut(arguments, "<")
		on, rest, _ := strings.Cut(rest, ">")
		on = decodeHex(on)
		if strings.HasPrefix(rest, "(deleted)") {
			continue
		}
		if strings.HasPrefix(on, path+".new-") && files[on] == 0 {
			files[on] = known
			known++
		}
		file, ours := files[on]
		switch {
		case name == "write" && strings.HasPrefix(arguments, "1<"):
			events = append(events, event{kind: "ack"})
		case name == "fsync" && on == filepath.Dir(path):
			events = append(events, event{kind: "folder"})
		case !ours:
		case name == "pwrite64":
			_, rest, _ := strings.Cut(rest, `, "`)
			data, numbers, _ := strings.Cut(rest, `", `)
			_, offset, _ := strings.Cut(numbers, ", ")
			events = append(events, event{"write", file, []byte(decodeHex(data)), number(offset)})
		case name == "ftruncate":
			events = append(events, event{kind: "size", file: file, offset: number(rest)})
		default:
			events = append(events, event{kind: "sync", file: file})
		}
	}
	return events
}

// decodeHex reads what strace -xx writes for a byte; the rest stays.
func decodeHex(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	b := make([]byte, 0, len(s)/4)
	for i := 0; i < len(s); {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if v, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b = append(b, byte(v))
				i += 4
				continue
			}
		}
		b = append(b, s[i])
		i++
	}
	return string(b)
}

// lose returns what the name may lead to if the power went before events[crash], and
// how much was acknowledged by then.
func lose(random *rand.Rand, start []byte, events []event, crash int) (content []byte, acknowledged int) {
	contents := map[int][]byte{0: bytes.Clone(start)} // what is on the disk for certain
	pending := map[int][]event{}                      // what may be
	named, renamed := 0, 0                            // which file has the name for certain, and which may have it
	for _, e := range events[:crash] {
		switch e.kind {
		case "ack":
			acknowledged++
		case "rename":
			renamed = e.file
		case "folder":
			named = renamed
		case "sync":
			for _, p := range pending[e.file] {
				contents[e.file] = apply(contents[e.file], p, 0, len(p.data))
			}
			delete(pending, e.file)
		default:
			pending[e.file] = append(pending[e.file], e)
		}
	}
	if random.IntN(2) == 0 {
		named = renamed
	}
	content = contents[named]
	for _, e := range pending[named] {
		switch random.IntN(4) {
		case 0: // lost
		case 1: // torn: some sectors of it came through
			for at := 0; at < len(e.data); at += 512 {
				if random.IntN(2) == 0 {
					content = apply(content, e, at, min(at+512, len(e.data)))
				}
			}
		default:
			content = apply(content, e, 0, len(e.data))
		}
	}
	return content, acknowledged
}

func apply(content []byte, e event, from, to int) []byte {
	switch e.kind {
	case "size":
		for int64(len(content)) < e.offset {
			content = append(content, make([]byte, e.offset-int64(len(content)))...)
		}
		return content[:e.offset]
	case "write":
		for int64(len(content)) < e.offset+int64(to) {
			content = append(content, make([]byte, 4096)...)
		}
		copy(content[e.offset+int64(from):], e.data[from:to])
	}
	return content
}
