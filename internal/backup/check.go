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

// Findings are what a check has found.
type Findings struct {
	Problems []string `json:"problems"`
	// Unopened says why the texts of an encrypted file, though their checksums are
	// right, were not opened: the key is missing or another one. "": they were.
	Unopened string `json:"unopened,omitempty"`
}

// report is what the process of a check says.
type report struct {
	Findings
	Error string `json:"error,omitempty"`
	Kind  string `json:"kind,omitempty"` // of the error, a key of kinds
}

// kinds are the errors that a caller tells apart.
var kinds = map[string]error{
	"damaged": store.ErrDamaged, "locked": store.ErrLocked, "missing": fs.ErrNotExist,
}

// problem is an error with the words of another process.
type problem struct {
	text string
	is   error
}

func (p problem) Error() string { return p.text }
func (p problem) Unwrap() error { return p.is }

// Check reads a whole database file, of which it changes nothing, in a process of its
// own with a low priority. It finds what is wrong with what the file holds. An error
// that wraps store.ErrDamaged says that it cannot even be read as a database, or that
// it took too long or crashed who tried, or differs from its digest; store.ErrLocked,
// that somebody has it open. Errors call the file by name.
func Check(ctx context.Context, path, name string) (f Findings, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return f, fmt.Errorf("check: %w", err)
	}
	limit := checkTime + time.Duration(info.Size()/checkSpeed)*time.Second
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return f, fmt.Errorf("find this program: %w", err)
	}
	var answer, complaint bytes.Buffer
	cmd := exec.CommandContext(limited, program, CheckCommand, path)
	cmd.Stdout, cmd.Stderr = &answer, &tail{b: &complaint}
	cmd.WaitDelay = time.Second
	if err = startLow(cmd); err != nil {
		return f, fmt.Errorf("start the check: %w", err)
	}
	err = cmd.Wait()
	said := strings.TrimSpace(complaint.String())
	switch {
	case ctx.Err() != nil:
		return f, ctx.Err()
	case limited.Err() != nil:
		return f, damage(name, "the check has not ended within %s", limit)
	case err != nil && strings.Contains(said, "goroutine "): // so the Go runtime ends a program
		line, _, _ := strings.Cut(said, "\n")
		return f, damage(name, "the check has crashed: %s", line)
	case err != nil:
		return f, fmt.Errorf("check %q: %w: %s", name, err, said)
	}
	var r report
	if err := json.Unmarshal(answer.Bytes(), &r); err != nil {
		return f, fmt.Errorf("check %q: its answer cannot be read: %w", name, err)
	}
	if r.Error != "" {
		return f, problem{strings.ReplaceAll(r.Error, strconv.Quote(path), strconv.Quote(name)), kinds[r.Kind]}
	}
	return r.Findings, nil
}

func damage(name, format string, a ...any) error {
	return fmt.Errorf("database %q: %w: %s", name, store.ErrDamaged, fmt.Sprintf(format, a...))
}

// Sound is Check for those to whom one problem is enough.
func Sound(ctx context.Context, path, name string) error {
	found, err := Check(ctx, path, name)
	if err == nil && len(found.Problems) > 0 {
		err = damage(name, "%d problems, the first: %s", len(found.Problems), found.Problems[0])
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

// CheckFile reads a whole database file and writes what it finds for Check to read. A
// key opens the texts of an encrypted file. A damaged file may keep it busy for ever,
// or end the process.
func CheckFile(ctx context.Context, w io.Writer, path string, k store.Key) error {
	debug.SetMaxStack(64 << 20) // pages in a circle are told sooner
	found, err := checkFile(ctx, path, k)
	r := report{Findings: found}
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

func checkFile(ctx context.Context, path string, k store.Key) (f Findings, err error) {
	// The digest covers everything, and reads the file from its beginning to its end,
	// after which the rest is in memory.
	if _, err := store.CheckDigest(ctx, path); err != nil {
		return f, err
	}
	db, err := store.Open(path, store.Options{ReadOnly: true, SkipDecrypt: true, Key: k})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if why := db.DecryptErr(); why != nil {
		f.Unopened = why.Error()
	}
	f.Problems, err = db.CheckPages(ctx)
	switch {
	case err != nil || len(f.Problems) > 0:
	case db.OldFormat():
		f.Problems, err = checkUpgraded(ctx, db, k)
	default:
		f.Problems, err = db.Check(ctx)
	}
	return f, err
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
	switch {
	case old.DecryptErr() != nil:
		return store.CheckUnopened(ctx, path)
	case old.KeyID() == "":
		k = store.Key{}
	}
	db, err := store.Open(path, store.Options{MustExist: true, Key: k})
	if err != nil {
		return nil, err
	}
	problems, err = db.Check(ctx)
	return problems, errors.Join(err, db.Close())
}
