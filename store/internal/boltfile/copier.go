package boltfile

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/kv"
)

const (
	// copyBatch is how many bytes of keys and values are copied in one transaction. It
	// writes the pages at its ends once more, and is what somebody else's sync may have
	// to wait for.
	copyBatch = 1 << 20
	// copyFill leaves some room in each page, or the next records in the middle of a
	// bucket would split every page that they come to.
	copyFill = 0.9
	// copyGrowth is how much room, in bytes, the file gets at a time beyond what it
	// needs; bbolt's own step would leave a small file larger than it was.
	copyGrowth = 16 << 10
	// copyRest bounds the pause after a batch.
	copyRest = time.Second
)

// copier fills a new bbolt file with what another one has: first with all that one
// transaction sees, then with what differs in a later one.
type copier struct {
	ctx      context.Context
	from, to *handle
	path     string  // of the new file
	options  Options // of the new file
	progress func(done int64) error

	urgent  bool      // writers wait: no rest between batches
	tx      *bbolt.Tx // of the new file; nil between two batches
	began   time.Time // when it did
	bucket  *bbolt.Bucket
	at      []string // where bucket is; one at a time is used
	batch   int64    // bytes in tx
	done    int64    // bytes in all
	nests   map[string]bool
	changes int // keys put and deleted since it was set to 0
}

// newCopier begins with the empty file at path.
func newCopier(ctx context.Context, from *handle, path string, o Options) (*copier, error) {
	c := &copier{ctx: ctx, from: from, path: path, options: o, nests: map[string]bool{}}
	return c, c.open()
}

// close ends a transaction that is not committed, and closes the file.
func (c *copier) close() error {
	if c.to == nil {
		return nil
	}
	if c.tx != nil {
		c.tx.Rollback()
		c.tx = nil
	}
	err := c.to.Close()
	c.to = nil
	return err
}

// open opens the file, for the first time or again.
func (c *copier) open() (err error) {
	if c.to, err = openBolt(c.path, c.options, c.from.pageSize); err == nil {
		c.to.AllocSize = copyGrowth
	}
	return err
}

// hasty lets batches be written and not synced. What they leave after a loss of power
// is of no use to anybody; before that changes, synced has to be called.
func (c *copier) hasty() { c.to.NoSync, c.to.NoGrowSync = true, true }

// synced brings all that was written to the disk, and what is written from now on
// with each batch.
func (c *copier) synced() error {
	c.to.NoSync, c.to.NoGrowSync = false, false
	return atomicfile.Plain(c.to.file.Sync())
}

func (c *copier) commit() error {
	if c.tx == nil {
		return nil
	}
	err := c.tx.Commit()
	c.tx, c.bucket, c.batch = nil, nil, 0
	return err
}

// rest lets those go first who have something to sync, or to do, unless it is they who
// wait for the copy: it asks the system to begin writing the batch, instead of all of
// them at the end, and pauses for as long as the batch took.
func (c *copier) rest() error {
	if c.urgent {
		return c.ctx.Err()
	}
	beginWriteback(c.to.file)
	pause := time.NewTimer(min(time.Since(c.began), copyRest))
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// in returns the bucket at a path in the new file, and makes it if it is not there.
// It is good until the next call of a method.
func (c *copier) in(path []string) (b *bbolt.Bucket, err error) {
	if c.batch >= copyBatch {
		if err := c.commit(); err != nil {
			return nil, err
		}
		if err := c.rest(); err != nil {
			return nil, err
		}
		if c.progress != nil {
			if err := c.progress(c.done); err != nil {
				return nil, err
			}
		}
	}
	if c.tx == nil {
		c.began = time.Now()
		if c.tx, err = c.to.Begin(true); err != nil {
			return nil, err
		}
	}
	if c.bucket != nil && slices.Equal(c.at, path) {
		return c.bucket, nil
	}
	b = root(c.tx)
	for _, name := range path {
		if b, err = b.CreateBucketIfNotExists([]byte(name)); err != nil {
			return nil, err
		}
	}
	b.FillPercent = copyFill
	c.bucket, c.at = b, slices.Clone(path)
	return b, nil
}

// root returns the bucket that holds those at the top.
func root(tx *bbolt.Tx) *bbolt.Bucket { return tx.Cursor().Bucket() }

// put takes a key and a value that stay as they are until the batch is committed.
func (c *copier) put(path []string, key, value []byte) error {
	b, err := c.in(path)
	if err != nil {
		return err
	}
	n := int64(len(key) + len(value) + elementSize)
	c.batch += n
	c.done += n
	c.changes++
	return b.Put(key, value)
}

func (c *copier) remove(path []string, key []byte, bucket bool) error {
	b, err := c.in(path)
	if err != nil {
		return err
	}
	c.batch += int64(len(key) + elementSize)
	c.changes++
	if bucket {
		return kv.DeleteBucket(b, key)
	}
	return b.Delete(key)
}

// all copies a bucket and those in it.
func (c *copier) all(path []string, b *bbolt.Bucket) error {
	if err := c.sequence(path, b); err != nil {
		return err
	}
	return b.ForEach(func(key, value []byte) error {
		if value != nil {
			return c.put(path, key, value)
		}
		return c.all(c.into(path, key), b.Bucket(key))
	})
}

// into is the path of a bucket in another one, of which it is remembered that it
// has some in it.
func (c *copier) into(path []string, key []byte) []string {
	c.nests[nestKey(path)] = true
	return append(path[:len(path):len(path)], string(key))
}

// sequence copies the number that the bucket last gave out.
func (c *copier) sequence(path []string, b *bbolt.Bucket) error {
	to, err := c.in(path)
	if err != nil || len(path) == 0 || to.Sequence() == b.Sequence() {
		return err
	}
	c.changes++
	return to.SetSequence(b.Sequence())
}

func nestKey(path []string) string {
	var b []byte
	for _, name := range path {
		b = append(kv.U32(b, uint32(len(name))), name...)
	}
	return string(b)
}

// copyTo copies the database as it is now into the empty file at path, which is not
// synced then.
func (f *File) copyTo(ctx context.Context, path string) (err error) {
	return f.viewHandle(ctx, func(h *handle, tx *bbolt.Tx) (err error) {
		c, err := newCopier(ctx, h, path, Options{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		c.hasty() // BackupCompact syncs it
		if err := c.all(nil, root(tx)); err != nil {
			return err
		}
		return c.finish()
	})
}

// finish commits what there is and cuts off the room for more behind the last page.
func (c *copier) finish() error {
	if err := c.commit(); err != nil {
		return err
	}
	tx, err := c.to.Begin(false)
	if err != nil {
		return err
	}
	size := tx.Size()
	if err := tx.Rollback(); err != nil {
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	return os.Truncate(c.path, size)
}
