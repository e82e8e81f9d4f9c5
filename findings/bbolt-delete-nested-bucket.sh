#!/usr/bin/env bash
# bbolt: a bucket that is deleted after a Put into it loses pages of the buckets in it
#
# One would guess: DeleteBucket frees the pages of a bucket and of all buckets in it,
#   whatever the transaction did before.
# What really happens: if the same transaction has put a key into the bucket, every second
#   bucket in it is passed by. Nothing is said; its pages are neither in a tree nor free,
#   so the file never uses them again, and Check calls each of them "unreachable unfreed".
# Version: go.etcd.io/bbolt v1.5.0
# Output seen on 2026-11-28:
#   deleted: 0 lost pages
#   deleted after a put: 160 lost pages
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'EOF'
module finding
go 1.26
EOF
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"log"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// lost makes a bucket with ten buckets in it, deletes it, and counts the pages that are
// neither used nor free afterwards.
func lost(name string, before func(parent *bbolt.Bucket) error) {
	db, err := bbolt.Open(filepath.Join(".", name), 0o600, &bbolt.Options{PageSize: 4096})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		parent, err := tx.CreateBucket([]byte("parent"))
		for i := 0; i < 10 && err == nil; i++ {
			child, e := parent.CreateBucket(fmt.Appendf(nil, "child %02d", i))
			for k := 0; k < 500 && e == nil; k++ {
				e = child.Put(fmt.Appendf(nil, "key %04d", k), make([]byte, 100))
			}
			err = e
		}
		return err
	})
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error {
			if err := before(tx.Bucket([]byte("parent"))); err != nil {
				return err
			}
			return tx.DeleteBucket([]byte("parent"))
		})
	}
	pages := 0
	if err == nil {
		err = db.View(func(tx *bbolt.Tx) error {
			for range tx.Check() {
				pages++
			}
			return nil
		})
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d lost pages\n", name, pages)
}

func main() {
	lost("deleted", func(*bbolt.Bucket) error { return nil })
	lost("deleted after a put", func(b *bbolt.Bucket) error { return b.Put([]byte("a"), []byte("b")) })
}
EOF
go get go.etcd.io/bbolt@v1.5.0 2>/dev/null
go mod tidy 2>/dev/null
go run . | tee seen
diff - seen <<'EOF'
deleted: 0 lost pages
deleted after a put: 160 lost pages
EOF
