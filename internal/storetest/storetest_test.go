package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rollcall/store"
)

// recorder is a test whose outcome is looked at.
type recorder struct {
	testing.TB
	failed, ended, skipped bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed, r.ended = true, true }
func (r *recorder) Skip(...any)           { r.skipped, r.ended = true, true }

// A test that the machine cannot run is skipped, and fails in CI.
func TestRequires(t *testing.T) {
	for _, test := range []struct {
		ci              string
		err             error
		failed, skipped bool
	}{
		{"", nil, false, false}, {"true", nil, false, false},
		{"", errors.New("no mount"), false, true}, {"true", errors.New("no mount"), true, false},
	} {
		t.Run(fmt.Sprint("CI=", test.ci, " ", test.err), func(t *testing.T) {
			t.Setenv("CI", test.ci)
			r := &recorder{TB: t}
			Requires(r, test.err)
			if r.failed != test.failed || r.skipped != test.skipped {
				t.Errorf("failed: %v, skipped: %v", r.failed, r.skipped)
			}
		})
	}
}

// A database that is not sound fails its test.
func TestCheck(t *testing.T) {
	db := New(t, store.Options{})
	r := &recorder{TB: t}
	if Check(r, db); r.failed {
		t.Error("an empty database fails the check")
	}
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	other, err := store.Open(damaged, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Put(t.Context(), store.Batch{Names: []store.Name{{Guild: 1, User: 2, Name: "to be damaged"}}})
	if err := errors.Join(err, other.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, bytes.ReplaceAll(file, []byte("to be damaged"), []byte("to be DAMAGED")), 0o600); err != nil {
		t.Fatal(err)
	}
	if other, err = store.Open(damaged, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if Check(r, other); !r.failed {
		t.Error("a damaged database passes the check")
	}
}

// The log finds lines that hold all of some texts.
func TestLog(t *testing.T) {
	var log Log
	l := log.Logger()
	l.Info("a cat", "name", "Ada")
	l.Debug("a dog", "name", "Ada")
	if log.Count() != 2 || log.Count("name=Ada") != 2 || log.Count("name=Ada", "dog") != 1 || log.Count("cat", "dog") != 0 {
		t.Errorf("the log is\n%s", &log)
	}
	if log.Reset(); log.String() != "" {
		t.Errorf("the log is\n%s", &log)
	}
}
