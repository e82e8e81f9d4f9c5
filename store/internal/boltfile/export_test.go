package boltfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"
)

// Follow copies a file into an empty one, and after each change what it changed.
func Follow(ctx context.Context, f *File, path string, changes ...func(*bbolt.Tx) error) (err error) {
	c, err := newCopier(ctx, f.current, path, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	m := &compaction{copier: c, file: f}
	defer m.unpin()
	if err := m.pin(); err != nil {
		return err
	}
	if err := m.all(nil, root(m.pinned)); err != nil {
		return err
	}
	if err := m.commit(); err != nil {
		return err
	}
	for _, change := range changes {
		if err := f.Update(ctx, change); err != nil {
			return err
		}
		d, err := m.since(m.pinned)
		if err != nil {
			return err
		}
		if err := m.follow(d); err != nil {
			return err
		}
	}
	return c.finish()
}

// WalkPages visits the trees of a file of pages of 4096 bytes, as its first page says.
func WalkPages(file []byte) error {
	p := &pages{bytes.NewReader(file), 4096, uint64(len(file) / 4096)}
	return areTrees(context.Background(), p, binary.NativeEndian.Uint64(file[32:]))
}
