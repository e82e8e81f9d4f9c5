package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
)

// A step of a change of the key, one transaction, looks at so much at most: some
// hundred milliseconds.
const (
	rekeyTexts = 20_000
	rekeyBytes = 8 << 20
)

// RekeyOptions are those of Rekey.
type RekeyOptions struct {
	LockTimeout time.Duration // how long to wait for another process's lock; 0 means 2 s
	Key         Key           // what the database is encrypted with; not looked at if it is not
	New         Key           // what it is to be encrypted with; none: not any more
	// Progress, if set, is called after each transaction with how many texts of the
	// records and names have been seen to, and about how many there are.
	Progress func(done, total int64)
}

// Rekeyed is what Rekey did: how many texts it wrote, in this call, and the ids of
// the keys before and after, "" for none. They are the same if there was nothing to do.
type Rekeyed struct {
	Texts int64
	From  string
	To    string
	// Damaged is how many values cannot be read, in this call and those that it went
	// on from. They stay as they are, so that one of them does not hold up all others.
	Damaged int64
}

// Rekey encrypts every text of a database with a new key, or stores it as it is
// again. It works in transactions of bounded size, none of which changes what the
// database answers; until the last of them the database opens for nobody else. If
// it ends early, by its context, an error or the death of the process, the same call
// goes on from there. Where there is nothing to do it does nothing.
//
// Pages that were freed keep the old texts until something else is written there:
// compacting the file is what removes them.
//
// Errors are those of Open and Put; ErrRekeying if a change to another key has
// begun, which must be finished first.
func Rekey(ctx context.Context, path string, o RekeyOptions) (Rekeyed, error) {
	return rekey(ctx, path, o, rekeyTexts)
}

func rekey(ctx context.Context, path string, o RekeyOptions, most int) (done Rekeyed, err error) {
	db, err := open(path, Options{LockTimeout: o.LockTimeout, MustExist: true})
	if err != nil {
		return done, fmt.Errorf("open database %q: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r := &rekeyer{db: db, to: o.New, most: most, progress: o.Progress}
	nothing, err := r.begin(o.Key)
	if err != nil {
		return done, fmt.Errorf("open database %q: %w", path, err)
	}
	done.From, done.To = db.KeyID(), o.New.ID()
	if nothing {
		return done, nil
	}
	err = r.run(ctx, &done.Texts)
	done.Damaged = r.state.Damaged
	return done, err
}

// rekeyer changes the key of a database.
type rekeyer struct {
	db       *DB
	to       Key
	state    crypt.Rekeying
	keys     *crypt.Keyring // both keys
	most     int
	progress func(done, total int64)
	total    int64
}

// begin finds out what is to be done, and whether nothing is.
func (r *rekeyer) begin(from Key) (nothing bool, err error) {
	e := &r.db.encryption
	switch {
	case e.Rekey != nil && !e.Rekey.To.Is(r.to):
		return false, e.Unfinished()
	case e.Rekey != nil:
		r.state = *e.Rekey
	case e.Key.Is(r.to):
		return true, nil
	case r.to.IsSet():
		r.state.To = e.Key.Next(r.to)
	}
	if e.Key == nil {
		from = Key{}
	}
	if err := e.Fits(from); err != nil {
		return false, err
	}
	if err := r.db.ready(from); err != nil {
		return false, err
	}
	r.keys = &crypt.Keyring{Read: r.db.keys.Read, Plain: !from.IsSet() || !r.to.IsSet()}
	if r.to.IsSet() {
		if r.keys.Write, err = r.to.Master(r.db.id, r.state.To.Number); err != nil {
			return false, err
		}
		r.keys.Read = append(r.keys.Read, r.keys.Write)
	}
	return false, r.db.file.View(context.Background(), func(tx *kv.Tx) error {
		r.total, err = countTexts(tx)
		return err
	})
}

// countTexts counts the records; the rest is little beside them.
func countTexts(tx *kv.Tx) (n int64, err error) {
	err = tx.Bucket(bucketGuilds).ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return kv.Damaged(key)
		}
		n += info.messages
		return nil
	})
	return n, err
}

// run takes step after step.
func (r *rekeyer) run(ctx context.Context, written *int64) error {
	for finished := false; !finished; {
		n := 0
		next := r.state
		err := r.db.update(ctx, func(w *writeTx) (err error) {
			finished, n, err = r.step(w, &next)
			return err
		})
		if err != nil {
			return err
		}
		r.state = next
		*written += int64(n)
		if r.progress != nil {
			r.progress(r.state.Done, max(r.total, r.state.Done))
		}
	}
	return nil
}

// step sees to some texts and writes down how far it came, or that all is done.
func (r *rekeyer) step(w *writeTx, state *crypt.Rekeying) (finished bool, written int, err error) {
	buckets, err := textBuckets(w.tx)
	if err != nil {
		return false, 0, err
	}
	meta := w.tx.Bucket(bucketMeta)
	b := rekeyBudget{texts: r.most, bytes: rekeyBytes}
	var after []byte // in another bucket it would pass by texts
	for i := range buckets {
		if buckets[i].path == state.In {
			buckets, after = buckets[i:], state.At
			break
		}
	}
	state.In, state.At = "", nil
	for _, t := range buckets {
		last, n, err := t.rekey(r.keys.Texts(t.texts), after, &b)
		if err != nil {
			return false, 0, err
		}
		written += n
		if b.spent() {
			state.In, state.At = t.path, last
			state.Add(r.most-b.texts, b.damaged)
			return false, written, crypt.WriteState(meta, crypt.State{Key: r.db.encryption.Key, Rekey: state})
		}
		after = nil
	}
	state.Add(r.most-b.texts, b.damaged)
	return true, written, errors.Join(
		crypt.WriteSalt(meta, &crypt.Keyring{Write: r.keys.Write}, r.db.salt),
		crypt.WriteState(meta, crypt.State{Key: state.To}),
	)
}

// rekeyBudget is what a step may still look at, and what it could not read.
type rekeyBudget struct{ texts, bytes, damaged int }

func (b *rekeyBudget) spent() bool { return b.texts <= 0 || b.bytes <= 0 }

// textBucket is a bucket with texts. again returns the payload of a value with its
// text encrypted anew, nil if that is done, or if there is no text. In a bucket of
// blocks it is that of a record in one.
type textBucket struct {
	path   string
	texts  string // the path that its texts are bound to
	bucket *kv.Bucket
	again  func(t *crypt.Codec, key, payload []byte) ([]byte, error)
	blocks bool
}

// textBuckets lists all buckets with texts in an order that stays.
func textBuckets(tx *kv.Tx) (list []textBucket, err error) {
	path := func(parts ...[]byte) string { return string(bytes.Join(parts, []byte("/"))) }
	records, recent, channels := tx.Bucket(bucketRecords), tx.Bucket(bucketRecent), tx.Bucket(bucketChannels)
	err = errors.Join(records.ForEachBucket(func(name []byte) error {
		texts := path(bucketRecords, name)
		list = append(list, textBucket{texts, texts, records.Bucket(name), recordAgain, true})
		return nil
	}), recent.ForEachBucket(func(name []byte) error {
		if len(name) != lsm.RunNameSize {
			return kv.Damaged(name)
		}
		guild := bucketName(ID(binary.BigEndian.Uint64(name)))
		number := strconv.AppendUint(nil, uint64(binary.BigEndian.Uint32(name[8:])), 10)
		list = append(list, textBucket{path(bucketRecent, guild, number), path(bucketRecords, guild), recent.Bucket(name), recordAgain, true})
		return nil
	}), channels.ForEachBucket(func(name []byte) error {
		texts := path(bucketChannels, name)
		list = append(list, textBucket{texts, texts, channels.Bucket(name), channelAgain, false})
		return nil
	}))
	names, files, early, known := string(bucketNames), path(bucketState, stateLogFiles), path(bucketState, stateEarly), path(bucketState, stateKnown)
	return append(list,
		textBucket{names, names, tx.Bucket(bucketNames), textAgain, false},
		textBucket{files, files, tx.Bucket(bucketState).Bucket(stateLogFiles), textAgain, false},
		textBucket{early, early, tx.Bucket(bucketState).Bucket(stateEarly), earlyAgain, false},
		textBucket{known, known, tx.Bucket(bucketState).Bucket(stateKnown), textAgain, false},
	), err
}

// rekey sees to the texts behind a key until the budget is spent, and returns the
// last key that it looked at, and how many it wrote. They are written when all
// have been read: a cursor does not hold while its bucket changes.
func (b textBucket) rekey(t *crypt.Codec, after []byte, budget *rekeyBudget) (last []byte, written int, err error) {
	type rewrite struct{ key, value []byte }
	var rewrites []rewrite
	c := b.bucket.Cursor()
	key, value := c.Seek(after)
	if bytes.Equal(key, after) {
		key, value = c.Next()
	}
	for ; key != nil && !budget.spent(); key, value = c.Next() {
		again, n := b.anew(t, key, value, budget)
		if again != nil {
			rewrites = append(rewrites, rewrite{bytes.Clone(key), again})
		}
		written += n
		last = key
		budget.bytes -= len(value)
	}
	last = bytes.Clone(last)
	b.bucket.FillPercent = kv.BulkFill
	for _, c := range rewrites {
		if err := b.bucket.Put(c.key, c.value); err != nil {
			return nil, 0, err
		}
	}
	return last, written, nil
}

// anew returns a value with its texts encrypted anew, nil if nothing changes, and how
// many they were. A text that is damaged stays as it is.
func (b textBucket) anew(t *crypt.Codec, key, value []byte, budget *rekeyBudget) (again []byte, written int) {
	if !b.blocks {
		if again = b.sealed(t, key, value, budget); again != nil {
			written = 1
		}
		return again, written
	}
	entries := lsm.ReadBlock(nil, new([record.KeySize]byte), b.bucket, key, value)
	for i := range entries {
		e := &entries[i]
		if fresh := b.sealed(t, e.Key.Append(nil), e.Value, budget); fresh != nil {
			e.Value = fresh
			written++
		}
	}
	if written > 0 {
		again = record.AppendBlock(nil, entries)
	}
	return again, written
}

// sealed is again of a value that may be damaged.
func (b textBucket) sealed(t *crypt.Codec, key, value []byte, budget *rekeyBudget) []byte {
	budget.texts--
	payload, ok := kv.Unseal(key, value)
	if ok {
		again, err := b.again(t, key, payload)
		if err == nil && again != nil {
			return kv.Seal(key, again)
		}
		ok = err == nil
	}
	if !ok {
		budget.damaged++
	}
	return nil
}

// recordAgain keeps what stands before the text as it is, except for the flag.
func recordAgain(t *crypt.Codec, b, payload []byte) ([]byte, error) {
	key, ok := record.ParseKey(b)
	if !ok {
		return nil, kv.Damaged(b)
	}
	s, err := record.Decode(payload, key.Time)
	if err != nil {
		return nil, kv.Damaged(b)
	}
	if s.Gone {
		return nil, nil
	}
	number := byte(0)
	if s.Encrypted {
		number = s.Raw[0]
	}
	if number == t.WriteNumber() {
		return nil, nil
	}
	if err := s.Open(t, b, t.Buffer()); err != nil {
		return nil, err
	}
	value := append(make([]byte, 0, len(b)+len(payload)+crypt.Overhead+kv.ChecksumSize), b...)
	value = append(value, s.Head...)
	if !t.Encrypts() {
		value[len(b)+1] &^= record.FlagEncrypted
		return append(value, s.Body...)[len(b):], nil
	}
	value[len(b)+1] |= record.FlagEncrypted
	return crypt.AppendEncrypted(t, value, value, s.Body)[len(b):], nil
}

func textAgain(t *crypt.Codec, key, payload []byte) ([]byte, error) {
	return t.Reencrypt(key, payload, 0)
}

func earlyAgain(t *crypt.Codec, key, payload []byte) ([]byte, error) {
	e, err := decodeEarly(payload)
	if err != nil || e.action != Edit {
		return nil, err
	}
	return t.Reencrypt(key, payload, earlyHead)
}

func channelAgain(t *crypt.Codec, key, payload []byte) ([]byte, error) {
	if key[0] != 0 { // by its hash
		return nil, nil
	}
	return t.Reencrypt(key, payload, 8)
}
