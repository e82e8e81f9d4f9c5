package boltfile

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// difference is what has to be known to bring the new file from what one
// transaction sees to what a later one of the same file does. While the earlier one
// is open, a page that both have is the same page: bbolt never writes to a page that
// somebody can see. So what differs is on the pages that only one of them has, and
// all that is below a common page is passed by.
type difference struct {
	*copier
	was   *bbolt.Tx
	pages *pages
	had   pageSet // the pages of the earlier trees
	kept  pageSet // of those, the uppermost that the later ones have too
}

// since prepares for an update of the new file, which holds what a transaction sees.
// That transaction has to stay open until the update is made.
func (c *copier) since(was *bbolt.Tx) (*difference, error) {
	p := pagesOf(c.from, was)
	d := &difference{copier: c, was: was, pages: p, had: newPageSet(p), kept: newPageSet(p)}
	return d, d.collect(nil, root(was))
}

// update brings the new file to what a later transaction sees, and commits it.
func (d *difference) update(now *bbolt.Tx) error {
	d.pages = pagesOf(d.from, now)
	d.changes = 0
	if err := d.differing(nil, root(d.was), root(now)); err != nil {
		return err
	}
	return d.commit()
}

// collect enters all pages of a bucket's tree, and of those in it.
func (d *difference) collect(path []string, b *bbolt.Bucket) error {
	if id := uint64(b.Root()); id != 0 {
		err := d.pages.walk(id, func(id uint64) (bool, error) {
			if !d.had.add(id) {
				return false, badPage(id)
			}
			return true, nil
		}, nil)
		if err != nil {
			return err
		}
	}
	if !d.nests[nestKey(path)] {
		return nil
	}
	return b.ForEachBucket(func(name []byte) error { return d.collect(d.into(path, name), b.Bucket(name)) })
}

// differing brings a bucket of the new file from what was to what is now.
func (d *difference) differing(path []string, was, now *bbolt.Bucket) error {
	if err := d.sequence(path, now); err != nil {
		return err
	}
	if was.Root() == now.Root() && was.Root() != 0 {
		return nil
	}
	err := d.items(now, func(id uint64) bool { return !d.had.has(id) || !d.kept.add(id) }, func(key, value []byte, bucket bool) error {
		if !bucket {
			if have := was.Get(key); have != nil && bytes.Equal(have, value) {
				return nil
			}
			return d.put(path, key, bytes.Clone(value)) // and let go of the page
		}
		before, after := was.Bucket(key), now.Bucket(key)
		if before == nil {
			return d.all(d.into(path, key), after)
		}
		return d.differing(d.into(path, key), before, after)
	})
	if err != nil {
		return err
	}
	return d.items(was, func(id uint64) bool { return !d.kept.has(id) }, func(key, _ []byte, bucket bool) error {
		if bucket && now.Bucket(key) != nil || !bucket && now.Get(key) != nil {
			return nil
		}
		return d.remove(path, key, bucket)
	})
}

// items calls fn with what is on those pages of a bucket's tree that enter says yes
// to. A small bucket has none of its own and lies in the one around it.
func (d *difference) items(b *bbolt.Bucket, enter func(id uint64) bool, fn func(key, value []byte, bucket bool) error) error {
	if b.Root() == 0 {
		return b.ForEach(func(key, value []byte) error { return fn(key, value, value == nil) })
	}
	return d.pages.walk(uint64(b.Root()), func(id uint64) (bool, error) { return enter(id), nil }, func(id uint64, p filePage) error {
		for i := range p.count() {
			key, value, bucket, ok := p.item(i)
			if !ok {
				return badPage(id)
			}
			if err := fn(key, value, bucket); err != nil {
				return err
			}
		}
		return d.ctx.Err()
	})
}
