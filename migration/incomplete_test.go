package migration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/ndjson"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// The zeros behind a gzip file end it; what is empty, damaged or needs too much memory is
// named each time, and is never complete.
func TestIncompleteFiles(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	day := func(n int) string { return fmt.Sprintf("%s/2026050%d/info.jsonl", guildA, n) }
	write := func(path string, data []byte) {
		t.Helper()
		put(t, root, path)
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(path)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole := compress(t, "x.gz", said("padded"))
	write(day(1)+".gz", append(whole, make([]byte, 4096)...))
	write(day(2)+".gz", nil)
	write(day(3)+".zst", nil)
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, (31 - 10) << 3}
	block := uint32(len(said("wide")))<<3 | 1
	write(day(4)+".zst", append(append(wide, byte(block), byte(block>>8), byte(block>>16)), said("wide")...))
	write(day(5)+".gz", compress(t, "x.gz", said("torn"))[:100])
	put(t, root, day(6), said("whole"))
	write(guildA+"/20260514/info.jsonl.zst", nil) // today's is damaged, too

	damaged := []string{day(2) + ".gz", day(3) + ".zst", day(4) + ".zst", day(5) + ".gz", guildA + "/20260514/info.jsonl.zst"}
	o, book := options(db, root)
	for range 2 {
		sum := mustOnce(t, o)
		if sum.Incomplete != int64(len(damaged)) || !slices.Equal(sum.IncompleteFiles, damaged) {
			t.Errorf("incomplete: %d, %q", sum.Incomplete, sum.IncompleteFiles)
		}
	}
	wantContents(t, db, "padded", "whole")
	if got := book.Lines("window above 128 MiB: repack"); len(got) != 2 || !strings.Contains(got[0], day(4)) || strings.Contains(got[0], "corrupt") {
		t.Errorf("of the window: %q", got)
	}
	for _, path := range damaged {
		key, _ := ndjson.TrimExt(path)
		if c := cursor(t, db, key); c.Complete {
			t.Errorf("complete: %+v", c)
		}
	}
	if c := cursor(t, db, day(1)); !c.Complete {
		t.Errorf("not complete: %+v", c)
	}
	wantDates(t, db, guildA+" 20260506")
	put(t, root, day(3)+".zst", said("at last"))
	if sum := mustOnce(t, o); sum.Messages != 1 || sum.Incomplete != 4 || !cursor(t, db, day(3)).Complete {
		t.Errorf("did %+v", sum)
	}
}

// A whole file that is damaged later is not complete any more, and nothing of it is lost.
func TestCompleteFileIsDamaged(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	path := guildA + "/20260511/info.jsonl"
	put(t, root, path+".gz", said("one"))
	once(t, db, root)
	put(t, root, path+".zst")
	name := filepath.Join(root, filepath.FromSlash(path))
	if err := os.Truncate(name+".gz", 0); err != nil {
		t.Fatal(err)
	}
	if got := once(t, db, root); got.Incomplete != 1 || cursor(t, db, path).Complete {
		t.Errorf("did %+v, %+v", got, cursor(t, db, path))
	}
	put(t, root, path, said("one"), said("two"))
	if got := once(t, db, root); got.Messages != 1 || got.Lines != 1 || !cursor(t, db, path).Complete {
		t.Errorf("did %+v", got)
	}
	wantContents(t, db, "one", "two")
}
