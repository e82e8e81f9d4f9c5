package store_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// The tests in this file run this test binary as a process of its own that
// writes to a database and says what was acknowledged, under strace, which
// records its system calls or makes them fail.

const (
	writerVariable = "STORE_TEST_WRITER"    // path of the database to write to
	compactor      = "STORE_TEST_COMPACTOR" // set: compact it all the while
	writerBatches  = 40
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		if do := deeds[os.Getenv(deedVariable)]; do != nil {
			os.Exit(perform(path, do))
		}
		os.Exit(writer(path, os.Stdout))
	}
	os.Exit(m.Run())
}

// writer puts batches, some of them log lines that merge, and says "ack N" after
// each. A full disk makes it try again; any other error ends it.
func writer(path string, out io.Writer) int {
	ctx := context.Background()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		fmt.Fprintln(out, "error", err)
		return 3
	}
	if os.Getenv(compactor) != "" {
		go func() {
			for {
				if _, err := db.Compact(ctx, store.CompactOptions{}); err != nil {
					fmt.Fprintln(out, "error", err)
					os.Exit(3)
				}
			}
		}()
		for i := 0; ; i++ { // until it is killed
			if err := writeBatch(ctx, db, i%writerBatches); err != nil {
				fmt.Fprintln(out, "error", err)
				return 3
			}
			fmt.Fprintln(out, "ack", i)
		}
	}
	for i := range writerBatches {
		for {
			err := writeBatch(ctx, db, i)
			if err == nil {
				break
			}
			if !errors.Is(err, store.ErrFull) {
				fmt.Fprintln(out, "error", err)
				return 3
			}
			fmt.Fprintln(out, "full")
		}
		fmt.Fprintln(out, "ack", i)
	}
	if err := db.Close(); err != nil {
		return 3
	}
	return 0
}

// batchRecords returns batch i: every third one is of log lines, some of which
// are messages of the batch before.
func batchRecords(i int) (records []store.Record) {
	for k := range 25 {
		n := i*25 + k
		content := strings.Repeat(fmt.Sprint("word", n%7, " "), n%40)
		if i%3 != 2 {
			records = append(records, live(1, store.ID(1+n%9), n, content))
			continue
		}
		r := logged(1, store.ID(1+n%9), n, "general", content)
		if k%2 == 0 {
			r = logged(1, store.ID(1+(n-25)%9), n-25, "general", strings.Repeat(fmt.Sprint("word", (n-25)%7, " "), (n-25)%40))
			r.Time += 300e3
		}
		records = append(records, r)
	}
	return records
}

func writeBatch(ctx context.Context, db *store.DB, i int) error {
	records := batchRecords(i)
	if i%3 != 2 {
		_, err := db.Put(ctx, store.Batch{Records: records, Cursors: []store.ChannelCursor{{Guild: 1, Channel: 5, Last: records[24].Message}}})
		return err
	}
	_, err := storetest.Import(ctx, db, store.LogBatch{Records: records, File: store.LogFile{Key: "f", Path: "f", Offset: int64(i)}})
	return err
}

// history knows what the writer's database holds after each number of batches.
type history struct {
	mu     sync.Mutex
	before []store.Record // messages that were there when it began
	want   map[int]map[string]int
}

// after returns what is there after so many batches, by describe.
func (h *history) after(batches int) map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	batches = min(batches, writerBatches)
	if h.want[batches] == nil {
		model := newTruth(nil)
		for _, r := range h.before {
			model.messages[r.Message] = r
		}
		for i := range batches {
			for _, r := range batchRecords(i) {
				if r.Source == store.SourceLog {
					model.lines[lineOf(r)] = &told{channel: r.Channel.ID}
				} else {
					model.messages[r.Message] = r
				}
			}
		}
		h.want[batches] = model.expected()
	}
	return h.want[batches]
}

// mustHold reports what a database lacks of the first acknowledged batches, or
// what is wrong with it. It may hold one batch more.
func (h *history) mustHold(t *testing.T, path string, acknowledged int) {
	t.Helper()
	db, err := store.Open(path, store.Options{MustExist: true})
	if err != nil {
		if acknowledged > 0 || !errors.Is(err, store.ErrDamaged) {
			t.Errorf("after %d acknowledged batches: %v", acknowledged, err)
		}
		return
	}
	defer db.Close()
	mustBeSound(t, db)
	have := map[string]int{}
	for _, r := range all(t, db, store.Query{}) {
		have[describe(r, r.InLogs)]++
	}
	want := h.after(acknowledged)
	if maps.Equal(have, want) || maps.Equal(have, h.after(acknowledged+1)) {
		return
	}
	for d := range want {
		if have[d] == 0 {
			t.Errorf("after %d acknowledged batches: %d records, want %d; one that is missing: %s", acknowledged, len(have), len(want), d)
			return
		}
	}
	t.Errorf("after %d acknowledged batches: %d records, want %d", acknowledged, len(have), len(want))
}

// runWriter runs the writer under strace and returns how many batches it
// acknowledged, and its exit code.
func runWriter(t *testing.T, path string, straceArgs ...string) (acknowledged, full, code int) {
	t.Helper()
	_, err := exec.LookPath("strace")
	storetest.Requires(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "strace", append(straceArgs, os.Args[0])...)
	cmd.Env = append(os.Environ(), writerVariable+"="+path)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, line := range strings.Split(stdout.String(), "\n") {
		switch {
		case line == "full":
			full++
		case strings.HasPrefix(line, "ack "):
			acknowledged++
		}
	}
	if acknowledged == 0 && strings.Contains(stderr.String(), "ptrace") {
		storetest.Requires(t, fmt.Errorf("strace may not trace here: %s", &stderr))
	}
	return acknowledged, full, cmd.ProcessState.ExitCode()
}

// TestFailingCalls makes each of the first system calls of a kind fail. A full
// disk is waited out; after any other error the writer ends; what it
// acknowledged is there.
func TestFailingCalls(t *testing.T) {
	t.Parallel()
	h := &history{want: map[int]map[string]int{}}
	for _, test := range []struct {
		call, err string
		recovers  bool
	}{
		{"fdatasync", "EIO", false},
		{"pwrite64", "EIO", false},
		{"pwrite64", "ENOSPC", true},
		{"fdatasync", "ENOSPC", false},
		{"ftruncate", "ENOSPC", true},
		{"pwrite64", "EDQUOT", true},
	} {
		t.Run(test.call+" "+test.err, func(t *testing.T) {
			t.Parallel()
			for _, when := range []int{1, 2, 3, 4, 7, 12, 30} {
				path := filepath.Join(t.TempDir(), "rollcall.db")
				if db, err := store.Open(path, store.Options{}); err != nil { // creation is not the subject
					t.Fatal(err)
				} else if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				acknowledged, _, code := runWriter(t, path, "-f", "-qq", "-o", os.DevNull, "-e", "trace="+test.call,
					"-e", fmt.Sprintf("inject=%s:error=%s:when=%d", test.call, test.err, when))
				if test.recovers && (code != 0 || acknowledged != writerBatches) {
					t.Errorf("call %d: exit code %d after %d batches", when, code, acknowledged)
				}
				if !test.recovers && acknowledged != writerBatches && code != 3 {
					t.Errorf("call %d: exit code %d after %d batches", when, code, acknowledged)
				}
				h.mustHold(t, path, acknowledged)
			}
		})
	}
}

// TestLittleAddressSpace refuses the map that is to be large enough for years, as a
// limit on the address space does. A smaller one is enough; where even that is refused
// it is not said that the file is damaged.
func TestLittleAddressSpace(t *testing.T) {
	t.Parallel()
	for refused, want := range map[string]int{"1": 1, "1+": 0} {
		path := filepath.Join(t.TempDir(), "rollcall.db")
		mustClose(t, openWith(t, path, store.Options{}))
		opened, _, code := runWriter(t, path, "-f", "-qq", "-o", os.DevNull, "-E", deedVariable+"=open", "-P", path, "-e", "trace=mmap",
			"-e", "inject=mmap:error=ENOMEM:when="+refused)
		if code != 0 || opened != want {
			t.Errorf("%s refused: exit code %d, opened %d times", refused, code, opened)
		}
	}
}

// openDeed opens a database, or is told that it cannot.
func openDeed(_ context.Context, path string, acknowledge func()) error {
	runtime.LockOSThread() // strace counts by thread
	db, err := store.Open(path, store.Options{})
	if errors.Is(err, syscall.ENOMEM) && !errors.Is(err, store.ErrDamaged) {
		return nil
	}
	if err != nil {
		return err
	}
	acknowledge()
	return db.Close()
}

// TestKilledWhileCompacting kills the writer at random moments while it compacts its
// database without pause. Each time a whole one has to be there, with all that was
// acknowledged; and what the compaction left is cleared away.
func TestKilledWhileCompacting(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	h := &history{want: map[int]map[string]int{}}
	const kills = 12
	left := 0
	for range kills {
		path := filepath.Join(t.TempDir(), "rollcall.db")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerVariable+"="+path, compactor+"=1")
		output, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(output)
		acknowledged := 0
		for until := 1 + random.IntN(writerBatches+20); lines.Scan(); {
			if !strings.HasPrefix(lines.Text(), "ack ") {
				t.Fatal(lines.Text())
			}
			if acknowledged++; acknowledged == until {
				<-time.After(time.Duration(random.IntN(2000)) * time.Microsecond) // not always right after a commit
				cmd.Process.Kill()
			}
		}
		cmd.Wait() // killed
		names, err := filepath.Glob(path + ".new-*")
		if err != nil {
			t.Fatal(err)
		}
		left += len(names)
		h.mustHold(t, path, min(acknowledged, writerBatches))
		alone(t, path)
	}
	if left == 0 {
		t.Errorf("of %d kills none came while a new file was made", kills)
	}
}
