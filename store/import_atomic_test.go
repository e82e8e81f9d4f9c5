package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// endsAfter is a context that is done once its error was asked for so often.
type endsAfter struct {
	context.Context
	left int
}

func (c *endsAfter) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A file's cursor is never ahead of the file's lines: an import that fails, wherever,
// leaves both as they were. A cursor without its lines would lose them for good.
func TestCursorMovesWithItsLines(t *testing.T) {
	ctx := context.Background()
	batch := func(text string, n int) store.LogBatch {
		var lines []store.Record
		for i := range n {
			lines = append(lines, logged(1, store.ID(1+i%9), i, "general", text))
		}
		return store.LogBatch{Records: lines, File: store.LogFile{Key: "f", Path: "f", Offset: 1000}}
	}
	untouched := func(t *testing.T, db *store.DB) {
		t.Helper()
		f, known, err := db.LogFile(ctx, "f")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(all(t, db, store.Query{})); n != 0 || known {
			t.Errorf("%d lines are stored, the cursor is %+v", n, f)
		}
	}
	t.Run("cancelled", func(t *testing.T) {
		for asked := 0; ; asked++ {
			db := openTemp(t)
			_, err := storetest.Import(&endsAfter{ctx, asked}, db, batch("hello", 50))
			if err == nil {
				if f, _, err := db.LogFile(ctx, "f"); err != nil || f.Offset != 1000 || len(all(t, db, store.Query{})) != 50 {
					t.Errorf("what succeeded is not stored: %+v, %v", f, err)
				}
				if asked == 0 {
					t.Error("the context is never asked")
				}
				return
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			untouched(t, db)
		}
	})
	t.Run("full disk", func(t *testing.T) {
		db := openWith(t, filepath.Join(t.TempDir(), "rollcall.db"), store.Options{MaxSize: 1 << 20})
		defer mustClose(t, db)
		if _, err := storetest.Import(ctx, db, batch(strings.Repeat("too much for the disk ", 100), 2000)); !errors.Is(err, store.ErrFull) {
			t.Fatalf("%v, want a full disk", err)
		}
		untouched(t, db)
		mustBeSound(t, db)
	})
}
