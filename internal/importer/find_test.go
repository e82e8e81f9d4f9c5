package importer_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/importer"
	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
)

type taken struct {
	messages  int
	skipped   map[archive.Reason]int
	names     int
	malformed int
}

func (k *taken) Message(m *archive.Message) error {
	if m.Skip != "" {
		k.skipped[m.Skip]++
	} else {
		k.messages++
	}
	return nil
}
func (k *taken) Name(archive.Name) error { k.names++; return nil }
func (k *taken) Malformed(string) error  { k.malformed++; return nil }
func (k *taken) At(int64, int64)         {}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func export(t *testing.T, d corpus.DCE, c corpus.Channel) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func database(t *testing.T, path string, statements []string) {
	t.Helper()
	end, err := corpus.Script(path, false, statements...)
	if err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

func zipOf(t *testing.T, path string, files map[string]string, change func(*zip.FileHeader)) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		if change != nil {
			change(h)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.String())
}

// bomb is a .zip of which one entry says that it is a GiB.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.CreateRaw(&zip.FileHeader{Name: "a.json", Method: zip.Deflate, UncompressedSize64: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func find(t *testing.T, format importer.Format, paths ...string) *importer.Found {
	t.Helper()
	found, err := importer.Find(t.Context(), paths, format)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	})
	return found
}

var d247 = corpus.DCE{Version: 2.47, Exported: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}

// Everything that is known, in one folder and in one .zip, is found by what is in it.
func TestFindAll(t *testing.T) {
	folder := t.TempDir()
	in := filepath.Join(folder, "in")
	write(t, filepath.Join(in, "a [part 2].json"), export(t, d247, corpus.Chatter(1, 10)))
	early := d247
	early.Exported = early.Exported.Add(-time.Hour)
	write(t, filepath.Join(in, "z", "b.json"), export(t, early, corpus.Chatter(2, 20)))
	write(t, filepath.Join(in, "a [part 2].json_Files", "upload.json"), export(t, d247, corpus.Chatter(3, 40)))
	write(t, filepath.Join(in, "notes.json"), `{"a":1}`)
	write(t, filepath.Join(in, "notes.txt"), `hello`)
	database(t, filepath.Join(in, "no extension"), corpus.DHT(11))
	database(t, filepath.Join(in, "d.db"), corpus.Discrawl(5))
	database(t, filepath.Join(in, "procedural.db"), corpus.PigPig())
	if err := corpus.DiscrawlSnapshot(filepath.Join(in, "snapshot")); err != nil {
		t.Fatal(err)
	}
	for name, text := range corpus.Package(false, false) {
		write(t, filepath.Join(in, "package", filepath.FromSlash(name)), text)
	}
	zipped := filepath.Join(folder, "all.zip")
	files := map[string]string{}
	if err := filepath.WalkDir(in, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			rel, _ := filepath.Rel(in, path)
			files[filepath.ToSlash(rel)] = string(text)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	zipOf(t, zipped, files, nil)

	want := []string{"d.db discrawl 8", "snapshot discrawl 8", "no extension dht 4", "package package 3", "z/b.json dce 20", "a [part 2].json dce 10", "procedural.db pigpig 0"}
	for _, path := range []string{in, zipped} {
		found := find(t, importer.Auto, path)
		if len(found.Refused) > 0 {
			t.Errorf("%s: refused %+v", path, found.Refused)
		}
		var got []string
		for _, f := range found.Files {
			k := taken{skipped: map[archive.Reason]int{}}
			result, err := f.Read(t.Context(), &k)
			if err != nil || result.Incomplete {
				t.Errorf("%s: %+v, %v", f.Path, result, err)
			}
			rel, _ := filepath.Rel(path, f.Path)
			got = append(got, fmt.Sprint(filepath.ToSlash(rel), " ", f.Format, " ", k.messages))
		}
		sorted := slices.Clone(got)
		expected := slices.Clone(want)
		slices.Sort(sorted)
		slices.Sort(expected)
		if !slices.Equal(sorted, expected) {
			t.Errorf("%s:\n%q, want\n%q", path, got, want)
		}
		if i, k := slices.Index(got, want[4]), slices.Index(got, want[5]); i > k || k > slices.Index(got, want[6]) || slices.Index(got, want[0]) > 1 {
			t.Errorf("%s: the order is %q", path, got)
		}
	}
	for format, n := range map[importer.Format]int{importer.DCE: 2, importer.Package: 1} {
		if found := find(t, format, in); len(found.Files)-n < 0 {
			t.Errorf("%s: %d", format, len(found.Files))
		}
	}
	if found := find(t, importer.Auto, filepath.Join(in, "package", "Messages"), in, filepath.Join(in, "d.db")); len(found.Files) != 8 {
		t.Errorf("what is named twice is found twice: %d", len(found.Files))
	}
}

func TestFindRefuses(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	chat := export(t, d247, corpus.Chatter(1, 3))
	write(t, at("table.csv"), "AuthorID,Author,Date,Content,Attachments,Reactions\n\"5\",\"mara\",\"01-Aug-20 12:00 AM\",\"hi\",\"\",\"\"\n")
	write(t, at("quoted.csv"), "\ufeff\"AuthorID\",\"Author\",\"Date\",\"Content\",\"Attachments\",\"Reactions\"\r\n")
	write(t, at("chat.txt"), strings.Repeat("=", 62)+"\nGuild: Town\nChannel: chat\n"+strings.Repeat("=", 62)+"\n")
	write(t, at("chat.html"), "<!DOCTYPE html>\n<html lang=\"en\">\n<title>Town</title><div class=chatlog>")
	write(t, at("empty.json"), "")
	write(t, at("foreign.json"), `{"hello":1}`)
	write(t, at("encrypted.dht"), "\x01\x02random bytes that are no database")
	write(t, at("gz.json.gz"), "\x1f\x8b\x08\x00")
	write(t, at("head.json"), chat[:60])
	database(t, at("other.sqlite"), []string{`CREATE TABLE x (y)`})
	write(t, at("torn.sqlite"), "SQLite format 3\x00 and no more")
	zipOf(t, at("traversal.zip"), map[string]string{"../a.json": chat}, nil)
	zipOf(t, at("absolute.zip"), map[string]string{"/a.json": chat}, nil)
	zipOf(t, at("windows.zip"), map[string]string{`..\a.json`: chat}, nil)
	zipOf(t, at("encrypted.zip"), map[string]string{"a.json": chat}, func(h *zip.FileHeader) { h.Flags |= 1 })
	zipOf(t, at("link.zip"), map[string]string{"a.json": "/etc/passwd"}, func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) })
	write(t, at("bomb.zip"), bomb(t))
	zipOf(t, at("nested.zip"), map[string]string{"b.zip": "PK\x03\x04"}, nil)
	zipOf(t, at("nothing.zip"), map[string]string{"b.txt": "x"}, nil)
	write(t, at("torn.zip"), "PK\x03\x04 and no more")
	if err := os.Mkdir(at("nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("linked"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, at("chat.json"), chat)
	if err := os.Symlink(at("chat.json"), at("linked/a.json")); err != nil {
		t.Fatal(err)
	}
	for name, reason := range map[string]string{
		"table.csv": "as JSON", "quoted.csv": "as JSON", "chat.txt": "as JSON", "chat.html": "as JSON", "empty.json": "empty", "foreign.json": "no archive", "encrypted.dht": "encrypted",
		"gz.json.gz": "unpack", "head.json": "breaks off", "other.sqlite": "no known tool", "torn.sqlite": "", "traversal.zip": "leads out", "absolute.zip": "leads out", "windows.zip": "leads out",
		"encrypted.zip": "encrypted", "link.zip": "symbolic link", "bomb.zip": "times its size", "nested.zip": "within a .zip", "nothing.zip": "no archive", "torn.zip": "no whole .zip",
		"nothing": "no archive", "linked": "link", "missing": "no such",
	} {
		found := find(t, importer.Auto, at(name))
		refused := found.Refused
		for _, f := range found.Files {
			k := taken{skipped: map[archive.Reason]int{}}
			_, err := f.Read(t.Context(), &k)
			if e, ok := errors.AsType[importer.RefusedError](err); ok {
				refused = append(refused, importer.Refusal{Path: f.Path, Reason: e.Reason})
			} else {
				t.Errorf("%s is read: %+v, %v", name, k, err)
			}
		}
		if len(refused) != 1 || !strings.HasPrefix(refused[0].Path, at(name)) || !strings.Contains(refused[0].Reason, reason) || strings.Contains(refused[0].Reason, "\n") {
			t.Errorf("%s: %+v", name, refused)
		}
	}
	// What is named may be a link; nothing else is lost because of what is refused.
	if err := os.Symlink(at("chat.json"), at("link.json")); err != nil {
		t.Fatal(err)
	}
	if found := find(t, importer.Auto, at("link.json"), at("foreign.json")); len(found.Files) != 1 || len(found.Refused) != 1 {
		t.Errorf("%+v, %+v", found.Files, found.Refused)
	}
	if found := find(t, importer.DHT, at("chat.json")); len(found.Files) != 0 || len(found.Refused) != 1 {
		t.Errorf("%+v, %+v", found.Files, found.Refused)
	}
}

// A database that turns out to be of another format is refused when it is opened.
func TestOtherFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	database(t, path, corpus.DHT(3))
	found := find(t, importer.Discrawl, path)
	if len(found.Files) != 1 {
		t.Fatal(found.Refused)
	}
	if _, err := found.Files[0].Read(t.Context(), &taken{}); err == nil || !strings.Contains(err.Error(), "dht") {
		t.Error(err)
	}
}

// Reading leaves nothing behind.
func TestReadLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	path := filepath.Join(t.TempDir(), "a.dht")
	database(t, path, corpus.DHT(11))
	found := find(t, importer.Auto, path)
	if _, err := found.Files[0].Read(t.Context(), &taken{skipped: map[archive.Reason]int{}}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func FuzzSniff(f *testing.F) {
	for _, s := range []string{"", "{", `{"guild":{"id":"1"`, "SQLite format 3\x00", "PK\x03\x04", "AuthorID,Author,Date,Content,"} {
		f.Add(s)
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(folder, "x")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := importer.Find(t.Context(), []string{path}, importer.Auto)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		for _, file := range found.Files {
			_, _ = file.Read(t.Context(), &taken{skipped: map[archive.Reason]int{}})
		}
		if len(found.Files) == 0 && len(found.Refused) == 0 {
			t.Error("neither found nor refused")
		}
	})
}
