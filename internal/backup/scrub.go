package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rollcall/internal/atomicfile"
	"rollcall/store"
)

// scrubFolder begins the names of folders in which a backup lies unpacked.
const scrubFolder = "rollcall-scrub-"

// Scrub makes a backup, compressed or not, one in which a person is forgotten, and says
// whether that changed it. The key is that of the database when the backup was made.
// The backup is replaced as a whole by one that is checked, or not at all; it needs
// room for an unpacked one beside it, or two.
func Scrub(ctx context.Context, path string, key store.Key, p store.Person) (changed bool, err error) {
	folder, err := os.MkdirTemp(filepath.Dir(path), scrubFolder)
	if err != nil {
		return false, fmt.Errorf("scrub backup %q: %w", path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	db, err := opened(ctx, path, filepath.Join(folder, "rollcall.db"), key)
	if err != nil {
		return false, fmt.Errorf("scrub backup %q: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tasks, err := db.Tasks(ctx)
	if err != nil || len(tasks) == 0 && db.Forgotten(p) {
		return false, err
	}
	if _, err := db.Forget(ctx, p); err != nil {
		return false, fmt.Errorf("scrub backup %q: %w", path, err)
	}
	before, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("scrub backup %q: %w", path, err)
	}
	if _, err = Make(ctx, path, true, Of(db, true)); err != nil {
		return false, err
	}
	return true, keepOwner(path, before)
}

// keepOwner gives a backup that was made anew to whom the one before belonged.
func keepOwner(path string, before os.FileInfo) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("scrub backup %q: %w", path, err)
	}
	return errors.Join(atomicfile.InheritOwner(f, before), f.Close())
}

// opened unpacks a backup into a database and opens it.
func opened(ctx context.Context, path, database string, key store.Key) (*store.DB, error) {
	f, err := os.OpenFile(database, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(Unpack(ctx, path, f), f.Close()); err != nil {
		return nil, err
	}
	return store.Open(database, store.Options{MustExist: true, Key: key})
}

// All returns the paths of everything in a folder that is called like a backup, whoever
// made it and compressed it.
func All(folder string) (paths []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("backups: %w", err)
	}
	for _, e := range entries {
		if base := strings.TrimSuffix(e.Name(), compressedEnding); e.Type().IsRegular() && strings.HasSuffix(base, ".db") {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, nil
}

// RemoveScrubs removes what a kill has left of Scrubs in a folder.
func RemoveScrubs(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("backups: %w", err)
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(scrubFolder+"*", e.Name()); ok && e.IsDir() {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
		}
	}
	return err
}
