// Package boltfiletest reads bbolt files for the tests of several packages.
package boltfiletest

import (
	"fmt"
	"testing"

	"go.etcd.io/bbolt"
)

// Dump returns all keys of a bbolt file under their buckets, with the buckets' sequences.
func Dump(t testing.TB, path string) map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]string{}
	var enter func(path string, b *bbolt.Bucket) error
	enter = func(path string, b *bbolt.Bucket) error {
		all[path] = fmt.Sprint(b.Sequence())
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return enter(path+"/"+string(k), b.Bucket(k))
			}
			all[path+"/"+string(k)+"="] = string(v)
			return nil
		})
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return enter("", tx.Cursor().Bucket())
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
