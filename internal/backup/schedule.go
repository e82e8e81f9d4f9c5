package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"rollcall/internal/disk"
	"rollcall/store"
)

const (
	// retryTime is the pause after a backup that failed, or the interval if that is shorter.
	retryTime = 10 * time.Minute
	// glance is how often the clock is looked at: a machine that slept has missed the
	// hour, and a clock that was set has moved it.
	glance = time.Minute
)

// nameLayout makes the names of backups of the schedule: the moment (UTC) at which
// they were begun. Only names of this form are ever removed.
const nameLayout = "rollcall-20060102T150405Z.db"

var (
	ownName = regexp.MustCompile(`^rollcall-\d{8}T\d{6}Z\.db$`)
	halfOwn = regexp.MustCompile(`^rollcall-\d{8}T\d{6}Z\.db\.part-\d+$`)
)

// Options of NewSchedule.
type Options struct {
	Store    *store.DB
	Folder   string // of this daemon's backups alone; made if its parent is there
	Interval time.Duration
	Keep     int   // how many backups; at least 1
	MinFree  int64 // bytes that a backup has to leave free on the folder's disk
	Log      *slog.Logger
}

// Schedule makes backups of an open database again and again.
type Schedule struct {
	Options
	now    func() time.Time // the system's clock
	mu     sync.Mutex
	status Status
}

// Status is how the backups of a Schedule go.
type Status struct {
	Interval time.Duration
	Last     store.Micros  // when the newest backup that stands was begun; 0: there is none
	Size     int64         // bytes of that one
	Took     time.Duration // to make it; 0 if another process made it
	Error    string        // of the last attempt, one line; empty: it succeeded
}

// NewSchedule returns a schedule, to be run.
func NewSchedule(o Options) *Schedule {
	return &Schedule{Options: o, now: time.Now, status: Status{Interval: o.Interval}}
}

// Status may be called from any goroutine.
func (s *Schedule) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Run makes a backup when the newest one in the folder is an interval old, whoever
// made it, and removes the oldest ones once there are more than are to be kept. What
// goes wrong is logged once and tried again after a pause; it is no reason to end.
// Run returns nil when ctx is done.
func (s *Schedule) Run(ctx context.Context) error {
	s.look()
	failed := time.Time{} // when the last attempt was begun, if it failed
	for ctx.Err() == nil {
		now := s.now().Round(0) // without the reading that stands still while a machine sleeps
		if wait := max(s.untilDue(now), s.untilRetry(now, failed)); wait > 0 {
			pause := min(glance, wait)
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
			continue
		}
		made, err := s.make(ctx, now)
		if ctx.Err() != nil {
			return nil
		}
		s.note(now, made, err)
		failed = time.Time{}
		if err != nil {
			failed = now
		}
	}
	return nil
}

// untilDue returns how long it is until the next backup is to be made. One of the future,
// by a clock that was wrong then or has been set back since, does not count.
func (s *Schedule) untilDue(now time.Time) time.Duration {
	last := s.Status().Last.Time()
	if last.After(now) {
		return 0
	}
	return last.Add(s.Interval).Sub(now)
}

// untilRetry returns how long to wait after an attempt that failed, if it did. One of the
// future does not count here either.
func (s *Schedule) untilRetry(now, failed time.Time) time.Duration {
	if failed.IsZero() || failed.After(now) {
		return 0
	}
	return failed.Add(min(retryTime, s.Interval)).Sub(now)
}

// note enters and logs what came of an attempt: a failure when it is new, and the
// end of it. A backup may stand although something failed afterwards.
func (s *Schedule) note(at time.Time, made Made, err error) {
	s.mu.Lock()
	before := s.status.Error
	if made.Path != "" {
		s.status = Status{Interval: s.Interval, Last: store.MicrosOf(at), Size: made.Size, Took: made.Took}
	}
	if err != nil {
		s.status.Error = err.Error()
	}
	s.mu.Unlock()
	if made.Path != "" {
		s.Log.Info("backup", "file", made.Path, "bytes", made.Size, "seconds", made.Took.Seconds())
	}
	if err != nil && err.Error() != before {
		s.Log.Error("backups fail; tried again and again, and told when it succeeds", "error", err)
	}
}

// look takes in what there is, so that restarts change nothing.
func (s *Schedule) look() {
	files, err := List(s.Folder)
	if err != nil || len(files) == 0 {
		return // the first attempt says so, if it is not just the first
	}
	now := s.now()
	for _, f := range files {
		if !f.Begun.After(now) {
			s.status.Last, s.status.Size = store.MicrosOf(f.Begun), f.Size
			return
		}
	}
}

// make makes a backup that was due at a moment.
func (s *Schedule) make(ctx context.Context, at time.Time) (made Made, err error) {
	defer func() {
		if r := recover(); r != nil { // a backup is not worth the daemon
			s.Log.Error("panic", "value", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if err := os.Mkdir(s.Folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return made, fmt.Errorf("make the folder for backups: %w", err)
	}
	if err := removeHalf(s.Folder); err != nil {
		return made, err
	}
	if err := Room(ctx, s.Folder, s.Store, s.MinFree); err != nil {
		return made, err
	}
	made, err = Make(ctx, filepath.Join(s.Folder, at.UTC().Format(nameLayout)), false, Of(s.Store, false))
	if err != nil {
		return made, err
	}
	return made, s.prune(at)
}

// ErrNoRoom: a copy of the database does not fit.
var ErrNoRoom = errors.New("no room")

// Room wraps ErrNoRoom unless a copy of a database fits into a folder and leaves so
// many bytes free there.
func Room(ctx context.Context, folder string, db *store.DB, leave int64) error {
	size, err := db.BackupSize(ctx)
	if err != nil {
		return err
	}
	free, err := disk.Free(folder)
	if err != nil {
		return fmt.Errorf("room in %q: %w", folder, err)
	}
	if free < size+leave {
		return fmt.Errorf("%w in %q: a copy of the database takes %d bytes and shall leave %d, there are %d", ErrNoRoom, folder, size, leave, free)
	}
	return nil
}

// File is a backup of a schedule.
type File struct {
	Path  string
	Begun time.Time
	Size  int64 // bytes
}

// List returns the backups that schedules have made in a folder, the newest first.
func List(folder string) ([]File, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("backups: %w", err)
	}
	var files []File
	for _, e := range entries {
		begun, err := time.Parse(nameLayout, e.Name())
		if err != nil || !ownName.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it has just gone
		}
		files = append(files, File{filepath.Join(folder, e.Name()), begun, info.Size()})
	}
	slices.SortFunc(files, func(a, b File) int { return b.Begun.Compare(a.Begun) })
	return files, nil
}

// prune removes the oldest backups beyond those that are kept. Those of the future were
// made before the clock was set back: they are older than any other.
func (s *Schedule) prune(now time.Time) error {
	files, err := List(s.Folder)
	if err != nil {
		return err
	}
	future := 0
	for future < len(files) && files[future].Begun.After(now) {
		future++
	}
	files = slices.Concat(files[future:], files[:future])
	for _, f := range files[min(len(files), s.Keep):] {
		if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old backup: %w", err)
		}
	}
	return nil
}

// removeHalf removes what a kill left of earlier attempts.
func removeHalf(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("backups: %w", err)
	}
	for _, e := range entries {
		if halfOwn.MatchString(e.Name()) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				return fmt.Errorf("remove what is left of a backup: %w", err)
			}
		}
	}
	return nil
}
