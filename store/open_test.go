package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/store"
)

// filled makes a database file with some hundred records and returns its bytes.
func filled(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openChecked(t, path)
	var records []store.Record
	for i := range 500 {
		records = append(records, live(1, store.ID(1+i%40), i, strings.Repeat("text ", i%30)))
	}
	if _, err := db.Put(context.Background(), store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := db.Snapshot(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// live returns the record of message number i of a guild.
func live(guild, user store.ID, i int, content string) store.Record {
	return store.Record{
		Guild: guild, User: user, Time: store.Micros(1_700_000_000e6 + int64(i)*1e6), Message: store.ID(1000 + i),
		Channel: store.Channel{ID: 5, Name: "general"}, Content: content, Source: store.SourceLive,
	}
}

func TestOpenRefuses(t *testing.T) {
	whole := filled(t)
	foreign := func(t *testing.T, path string) {
		b, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err }); err != nil {
			t.Fatal(err)
		}
		b.Close()
	}
	write := func(b []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		want error
		text string
	}{
		{"empty", write(nil), store.ErrDamaged, "empty"},
		{"text", write([]byte(strings.Repeat("no database\n", 2000))), store.ErrDamaged, "not a bbolt file"},
		{"zeros", write(make([]byte, 1<<16)), store.ErrDamaged, "not a bbolt file"},
		{"few bytes", write([]byte("x")), store.ErrDamaged, "not a bbolt file"},
		{"another program's", foreign, store.ErrDamaged, "another program"},
		{"both first pages damaged", write(flip(flip(whole, 30), 4096+30)), store.ErrDamaged, "not a bbolt file"},
		{"cut to three pages", write(whole[:3*4096]), store.ErrDamaged, ""},
		{"cut by a page", write(whole[:len(whole)-4096]), store.ErrDamaged, ""},
		{"cut by a byte", write(whole[:len(whole)-1]), store.ErrDamaged, "cut off"},
		{"a folder", func(t *testing.T, path string) { os.Mkdir(path, 0o700) }, nil, "folder"},
		{"newer format", newerFormat, nil, "newer rollcall"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			test.make(t, path)
			before, _ := os.ReadFile(path)
			db, err := store.Open(path, store.Options{})
			if err == nil {
				db.Close()
				t.Fatal("it opens")
			}
			if test.want != nil && !errors.Is(err, test.want) || test.want == nil && errors.Is(err, store.ErrDamaged) {
				t.Errorf("have %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: want one line with the path and %q", err, test.text)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x10
	return b
}

// newerFormat makes a database that says it is of format 99.
func newerFormat(t *testing.T, path string) {
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	b, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Update(func(tx *bbolt.Tx) error {
		key := []byte("format")
		return tx.Bucket([]byte("meta")).Put(key, store.Seal(key, binary.BigEndian.AppendUint32(nil, 99)))
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOpenLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	openChecked(t, path)
	_, err := store.Open(path, store.Options{LockTimeout: 10 * time.Millisecond})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("have %v", err)
	}
}

func TestOpenMustExist(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	if _, err := store.Open(path, store.Options{MustExist: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was created")
	}
	if _, err := store.Open(filepath.Join(path, "no", "such", "folder.db"), store.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("have %v", err)
	}
}

// A crash in creation leaves a file of another name, which the next start removes.
func TestHalfCreated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "roll[call].db")
	half := path + ".new-123"
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openChecked(t, path)
	if _, err := os.Stat(half); err == nil {
		t.Error("the half-created file is still there")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Reopening changes no byte.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.WriteFile(path, filled(t), 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	db := openChecked(t, path)
	if n := len(all(t, db, store.Query{})); n != 500 {
		t.Errorf("have %d records", n)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

// Every flipped byte of a value is found by Check. One in a page's structure
// may lead bbolt astray: then reading fails, or CheckPages says so. What goes
// unnoticed does not matter (free space, the older of the two first pages): the
// records are read as they were. Nothing panics.
func TestFlippedByte(t *testing.T) {
	whole := filled(t)
	const want = 500
	for at := 2 * 4096; at < len(whole); at += len(whole)/211 | 1 {
		path := filepath.Join(t.TempDir(), "rollcall.db")
		if err := os.WriteFile(path, flip(whole, at), 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(path, store.Options{})
		if err != nil {
			continue
		}
		problems, err := db.Check(context.Background())
		records := 0
		for _, rerr := range db.Records(context.Background(), store.Query{}) {
			if rerr != nil {
				err = rerr
				break
			}
			records++
		}
		if err == nil && len(problems) == 0 && records != want {
			t.Errorf("byte %d: nothing was found, but %d records of %d are read", at, records, want)
		}
		db.Close()
	}
}

// A damaged record is left out, counted and named; the others are read.
func TestDamagedRecord(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	whole := filled(t)
	at := bytes.Index(whole, []byte("text text text text text "))
	if err := os.WriteFile(path, flip(whole, at), 0o600); err != nil {
		t.Fatal(err)
	}
	var named []error
	db, err := store.Open(path, store.Options{Damaged: func(err error) { named = append(named, err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	records := 0
	var last error
	for _, err := range db.Records(ctx, store.Query{}) {
		if last = err; err == nil {
			records++
		}
	}
	if records != 499 || !errors.Is(last, store.ErrDamaged) || !strings.Contains(last.Error(), "1 records are left out") {
		t.Errorf("have %d records, then %v", records, last)
	}
	newest, _, err := db.Newest(ctx, store.Query{Guild: 1}, nil, 1000)
	if err != nil || len(newest) != 499 {
		t.Errorf("newest: have %d, %v", len(newest), err)
	}
	if len(named) != 1 || db.Damaged() != 2 || !strings.Contains(named[0].Error(), "checksum") {
		t.Errorf("named %v, counted %d", named, db.Damaged())
	}
	if problems, err := db.Check(ctx); err != nil || len(problems) == 0 {
		t.Errorf("check finds %v, %v", problems, err)
	}
}

// A file that is cut off while it is open makes reads fail; the process lives.
func TestCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.WriteFile(path, filled(t), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 2*4096); err != nil {
		t.Fatal(err)
	}
	for _, err := range db.Records(context.Background(), store.Query{}) {
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("have %v", err)
		}
		return
	}
	t.Error("nothing was noticed")
}
