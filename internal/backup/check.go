package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"rollcall/store"
)

// CheckCommand is the command of this program, hidden from people, that Check runs
// in a process of its own: with a path it does what CheckFile does.
const CheckCommand = "check-file"

// Check has at most checkTime, and a second more for each checkSpeed bytes: a tenth
// of what a slow disk gives. A file whose pages go round in circles may keep it busy
// for ever.
const (
	checkTime  = time.Minute
	checkSpeed = 2 << 20
)

// report is what the process of a check says.
type report struct {
	Problems []string `json:"problems"`
	Error    string   `json:"error,omitempty"`
	Kind     string   `json:"kind,omitempty"` // of the error, a key of kinds
}

// kinds are the errors that a caller tells apart.
var kinds = map[string]error{
	"damaged": store.ErrDamaged, "locked": store.ErrLocked, "missing": fs.ErrNotExist, "no key": store.ErrKeyMissing,
	"wrong key": store.ErrKeyWrong, "not encrypted": store.ErrNotEncrypted, "rekeying": store.ErrRekeying,
}

// problem is an error with the words of another process.
type problem struct {
	text string
	is   error
}

func (p problem) Error() string { return p.text }
func (p problem) Unwrap() error { return p.is }

// Check reads a whole database file, of which it changes nothing, in a process of its
// own with a low priority. It returns what is wrong with what the file holds. An error
// that wraps store.ErrDamaged says that it cannot even be read as a database, or that
// it took too long or crashed who tried, or differs from its digest; store.ErrLocked,
// that somebody has it open. Errors call the file by name.
func Check(ctx context.Context, path, name string) (problems []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("check %w", err)
	}
	limit := checkTime + time.Duration(info.Size()/checkSpeed)*time.Second
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	var answer, complaint bytes.Buffer
	cmd := exec.CommandContext(limited, program, CheckCommand, path)
	cmd.Stdout, cmd.Stderr = &answer, &tail{b: &complaint}
	cmd.WaitDelay = time.Second
	if err = startLow(cmd); err != nil {
		return nil, fmt.Errorf("start the check: %w", err)
	}
	err = cmd.Wait()
	said := strings.TrimSpace(complaint.String())
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, damage(name, "the check has not ended within %s", limit)
	case err != nil && strings.Contains(said, "goroutine "): // so the Go runtime ends a program
		line, _, _ := strings.Cut(said, "\n")
		return nil, damage(name, "the check has crashed: %s", line)
	case err != nil:
		return nil, fmt.Errorf("check %q: %w: %s", name, err, said)
	}
	var r report
	if err := json.Unmarshal(answer.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("check %q: its answer cannot be read: %w", name, err)
	}
	if r.Error != "" {
		return nil, problem{strings.ReplaceAll(r.Error, strconv.Quote(path), strconv.Quote(name)), kinds[r.Kind]}
	}
	return r.Problems, nil
}

func damage(name, format string, a ...any) error {
	return fmt.Errorf("database %q: %w: %s", name, store.ErrDamaged, fmt.Sprintf(format, a...))
}

// Sound is Check for those to whom one problem is enough.
func Sound(ctx context.Context, path, name string) error {
	problems, err := Check(ctx, path, name)
	if err == nil && len(problems) > 0 {
		err = damage(name, "%d problems, the first: %s", len(problems), problems[0])
	}
	return err
}

// tail keeps the beginning of what a process complains of: a crash says first what it was.
type tail struct{ b *bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.b.Write(p[:min(len(p), max(0, most-t.b.Len()))])
	return len(p), nil
}

// CheckFile reads a whole database file and writes what it finds for Check to read.
// A damaged file may keep it busy for ever, or end the process.
func CheckFile(ctx context.Context, w io.Writer, path string, k store.Key) error {
	debug.SetMaxStack(64 << 20) // pages in a circle are told sooner
	problems, err := checkFile(ctx, path, k)
	r := report{Problems: append([]string{}, problems...)}
	if err != nil {
		r.Error = err.Error()
		for kind, is := range kinds {
			if errors.Is(err, is) {
				r.Kind = kind
			}
		}
	}
	return json.NewEncoder(w).Encode(r)
}

func checkFile(ctx context.Context, path string, k store.Key) (problems []string, err error) {
	// The digest covers everything, and reads the file from its beginning to its end,
	// after which the rest is in memory.
	if _, err := store.CheckDigest(ctx, path); err != nil {
		return nil, err
	}
	db, err := store.Open(path, store.Options{ReadOnly: true, Key: k})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	problems, err = db.CheckPages(ctx)
	switch {
	case err != nil || len(problems) > 0:
		return problems, err
	case db.OldFormat():
		return checkUpgraded(ctx, db, k)
	}
	return db.Check(ctx)
}

// checkUpgraded checks a copy of a database of an older format, brought up to date: the
// file itself is not to be changed.
func checkUpgraded(ctx context.Context, old *store.DB, k store.Key) (problems []string, err error) {
	folder, err := os.MkdirTemp("", "rollcall-check-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for a copy of the older format (TMPDIR says where): %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "rollcall.db")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = old.Snapshot(ctx, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	db, err := store.Open(path, store.Options{MustExist: true, Key: k})
	if err != nil {
		return nil, err
	}
	problems, err = db.Check(ctx)
	return problems, errors.Join(err, db.Close())
}
