package boltfile

import (
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
)

// CheckPages verifies that the pages of the file form trees, in which each is
// found once and the keys are in order. It returns at most limit problems. It may take very long over a damaged file,
// and what it meets there can end the process: run it in one of its own, with a time
// limit, and never beside a writer.
func (f *File) CheckPages(ctx context.Context, limit int) (problems []string, err error) {
	err = f.viewHandle(ctx, func(h *handle, tx *bbolt.Tx) error {
		// bbolt's own check goes round and round where a page is below itself.
		if err := areTrees(ctx, pagesOf(h, tx), uint64(root(tx).Root())); err != nil {
			if errors.Is(err, kv.ErrDamaged) {
				problems = []string{err.Error()}
				return nil
			}
			return err
		}
		for e := range tx.Check() {
			if len(problems) < limit {
				problems = append(problems, e.Error())
			}
		}
		return nil
	})
	return problems, err
}

// areTrees visits every page below a root, and below the roots of the buckets that
// it finds there, and wants to meet none twice.
func areTrees(ctx context.Context, p *pages, root uint64) error {
	seen := newPageSet(p)
	roots := []uint64{root}
	enter := func(id uint64) (bool, error) {
		if !seen.add(id) {
			return false, badPage(id)
		}
		return true, ctx.Err()
	}
	for len(roots) > 0 {
		root, roots = roots[0], roots[1:]
		if err := p.walk(root, enter, func(id uint64, b filePage) error {
			for i := range b.count() {
				_, value, bucket, ok := b.item(i)
				if !ok || bucket && len(value) < bucketHeader {
					return badPage(id)
				}
				if bucket && binary.NativeEndian.Uint64(value) != 0 {
					roots = append(roots, binary.NativeEndian.Uint64(value))
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
