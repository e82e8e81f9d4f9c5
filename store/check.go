package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
)

// Check reads every value, verifies its checksum, and compares what is kept
// beside the records (timeline, activity, profiles, totals) with the records. It
// returns what is wrong, one line each, at most 100 lines. It holds a read
// transaction for as long as it takes.
//
// Of a file that was opened with SkipDecrypt, texts and what is made of them are left out.
//
// It trusts the pages of the file to be a tree; CheckPages verifies that.
func (db *DB) Check(ctx context.Context) (problems []string, err error) {
	if db.OldFormat() {
		return nil, fmt.Errorf("database %q: it is of format %d and opened for reading alone", db.path, db.format)
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		c := &checker{ctx: ctx, tx: tx, keys: db.keys, salt: db.salt, forgotten: tombstones{salt: db.salt}}
		if err := c.run(); err != nil && !errors.Is(err, errEnough) {
			return err
		}
		problems = c.problems
		return nil
	})
	return problems, err
}

// CheckUnopened is Check of a copy of a file of an older format whose key is not at hand. It
// brings the copy up to date as far as that takes no key, and leaves it of no other use.
func CheckUnopened(ctx context.Context, path string) (problems []string, err error) {
	db, err := open(path, Options{MustExist: true})
	if err != nil {
		return nil, fmt.Errorf("open database %q: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.keys = db.unopened()
	if err := errors.Join(db.upgrade(), db.file.View(ctx, db.verifyBuckets)); err != nil {
		return nil, fmt.Errorf("database %q: %w", path, err)
	}
	return db.Check(ctx)
}

var errEnough = errors.New("enough problems")

type checker struct {
	ctx      context.Context
	tx       *kv.Tx
	keys     *crypt.Keyring
	salt     []byte
	text     []byte // room for one
	problems []string
	visits   int

	forgotten tombstones
	erasing   map[ID]bool // users who are being forgotten
}

func (c *checker) report(format string, args ...any) error {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
	if len(c.problems) >= checkLimit {
		return errEnough
	}
	return nil
}

func (c *checker) run() error {
	for _, name := range [][]byte{bucketMeta, bucketGuilds} {
		if _, err := c.countValues(string(name), c.tx.Bucket(name)); err != nil {
			return err
		}
	}
	if err := c.texts(string(bucketNames), c.tx.Bucket(bucketNames), c.keys.Texts(string(bucketNames))); err != nil {
		return err
	}
	if err := c.texts("state/log_files", c.tx.Bucket(bucketState).Bucket(stateLogFiles), logFileTexts(c.keys)); err != nil {
		return err
	}
	if err := c.known(); err != nil {
		return err
	}
	if err := c.passed(); err != nil {
		return err
	}
	if err := c.state(); err != nil {
		return err
	}
	known := map[string]bool{}
	err := c.tx.Bucket(bucketGuilds).ForEach(func(b, value []byte) error {
		payload, ok := kv.Unseal(b, value)
		if !ok || len(b) != 8 {
			return nil // reported above
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return c.report("guilds: the value under key %x does not decode", b)
		}
		guild := ID(binary.BigEndian.Uint64(b))
		known[string(bucketName(guild))] = true
		return c.guild(guild, info)
	})
	if err != nil {
		return err
	}
	if err := c.runs(known); err != nil {
		return err
	}
	for _, name := range perGuildBuckets {
		err := c.tx.Bucket(name).ForEachBucket(func(guild []byte) error {
			if known[string(guild)] {
				return nil
			}
			return c.report("%s/%s: the guild is not among the guilds", name, guild)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// state verifies what is kept beside all guilds' records, but for the texts.
func (c *checker) state() error {
	for _, of := range []struct {
		bucket     []byte
		key, value int // bytes
	}{
		{stateCursors, 16, 8}, {stateFloors, 16, 8}, {stateGuildCursors, 8, guildCursorsSize},
		{stateForgotten, sha256.Size, 8}, {stateDeparted, 8, 8}, {stateAccounts, 8, 0}, {stateOpenGaps, 8, 0},
	} {
		name := "state/" + string(of.bucket)
		err := c.eachValue(name, c.tx.Bucket(bucketState).Bucket(of.bucket), func(key, payload []byte) error {
			if len(key) != of.key || len(payload) != of.value {
				return c.report("%s: the value under key %x does not decode", name, key)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, name := range [][]byte{stateLastDates, stateQuarantine, stateUnreadable, stateMarkers} {
		if _, err := c.countValues("state/"+string(name), c.tx.Bucket(bucketState).Bucket(name)); err != nil {
			return err
		}
	}
	for _, check := range []func() error{c.gaps, c.early, c.tombstones} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// eachValue calls fn with every key and payload of a bucket and reports what
// fails its checksum.
func (c *checker) eachValue(name string, b *kv.Bucket, fn func(key, payload []byte) error) error {
	if b == nil {
		return c.report("%s: the bucket is missing", name)
	}
	return b.ForEach(func(key, value []byte) error {
		if c.visits++; c.visits&0xfff == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return c.report("%s: the value under key %x fails its checksum", name, key)
		}
		return fn(key, payload)
	})
}

// countValues verifies the checksums of a bucket and counts the values that pass.
func (c *checker) countValues(name string, b *kv.Bucket) (n int64, err error) {
	err = c.eachValue(name, b, func(_, _ []byte) error {
		n++
		return nil
	})
	return n, err
}

// countPacked counts the users of a packed bucket and reports a chunk that does not
// decode, or whose users have their place in another one.
func (c *checker) countPacked(name string, b *kv.Bucket, prefix int) (n int64, err error) {
	var last []byte // key of the user before
	err = c.eachValue(name, b, func(key, payload []byte) error {
		first, ok := packed.First(key)
		if !ok || len(key) != prefix+8 || bytes.Compare(last, key) >= 0 || (last == nil || !bytes.HasPrefix(last, key[:prefix])) && first != 0 {
			return c.report("%s: the chunk under key %x is out of place", name, key)
		}
		if len(payload) == 0 {
			return c.report("%s: the chunk under key %x is empty", name, key)
		}
		err := packed.Each(key, payload, func(user ID, _ []byte) error {
			n++
			last = kv.U64(bytes.Clone(key[:prefix]), uint64(user))
			return nil
		})
		if err != nil {
			return c.report("%s: the value under key %x does not decode", name, key)
		}
		return nil
	})
	return n, err
}

// texts opens every text of a bucket that has nothing else.
func (c *checker) texts(name string, b *kv.Bucket, texts *crypt.Codec) error {
	return c.eachValue(name, b, func(key, payload []byte) error {
		if _, err := texts.Read(key, payload, 0); err != nil {
			return c.report("%s: %v", name, err)
		}
		return nil
	})
}

// known reads what is known of channels.
func (c *checker) known() error {
	texts := knownTexts(c.keys)
	return c.eachValue("state/"+string(stateKnown), c.tx.Bucket(bucketState).Bucket(stateKnown), func(key, payload []byte) error {
		text, err := texts.Read(key, payload, 0)
		if err != nil {
			return c.report("state/%s: %v", stateKnown, err)
		}
		if c.keys.SkipDecrypt && len(text) == 0 {
			return nil
		}
		if _, err := decodeChannelInfo(text); err != nil || len(key) != 16 {
			return c.report("state/%s: the value under key %x does not decode", stateKnown, key)
		}
		return nil
	})
}

// passed counts the messages that were passed by.
func (c *checker) passed() error {
	b := c.tx.Bucket(bucketState).Bucket(statePassed)
	found, name := uint64(0), "state/"+string(statePassed)
	err := c.eachValue(name, b, func(key, payload []byte) error {
		if bytes.Equal(key, passedCount) {
			return nil
		}
		found++
		if _, ok := decodePassed(key, payload); !ok {
			return c.report("%s: the value under key %x does not decode", name, key)
		}
		return nil
	})
	if err != nil || b == nil {
		return err
	}
	if count, err := getID(b, passedCount); err == nil && uint64(count) != found {
		return c.report("%s: there are %d messages, and their count is %d", name, found, count)
	}
	return nil
}

// tombstones reads who is forgotten, of whom no records may be left, and who is being.
func (c *checker) tombstones() error {
	if !c.keys.SkipDecrypt { // people are found by hashes with the salt, which is encrypted then
		if err := c.forgotten.load(c.tx); err != nil && !errors.Is(err, ErrDamaged) { // that is reported
			return err
		}
	}
	c.erasing = map[ID]bool{}
	return c.eachValue("state/"+string(stateTasks), c.tx.Bucket(bucketState).Bucket(stateTasks), func(key, _ []byte) error {
		t, ok := parseTask(key)
		if !ok {
			return c.report("state/%s: key %x is no task's", stateTasks, key)
		}
		if t.kind == taskForget {
			c.erasing[t.id] = true
		}
		return nil
	})
}

// gaps decodes the ledger.
func (c *checker) gaps() error {
	name := "state/" + string(stateGaps)
	return c.eachValue(name, c.tx.Bucket(bucketState).Bucket(stateGaps), func(key, payload []byte) error {
		var g Gap
		if err := json.Unmarshal(payload, &g); err != nil || len(key) != 8 || g.Seq != binary.BigEndian.Uint64(key) {
			return c.report("%s: the value under key %x does not decode", name, key)
		}
		return nil
	})
}

// early verifies what is kept of messages that are not there.
func (c *checker) early() error {
	texts := earlyTexts(c.keys)
	return c.eachValue("state/"+string(stateEarly), c.tx.Bucket(bucketState).Bucket(stateEarly), func(b, payload []byte) error {
		_, ok := parseEarlyKey(b)
		e, err := decodeEarly(payload)
		switch {
		case !ok || err != nil || e.action != Edit && len(payload) > earlyHead:
			return c.report("state/%s: the value under key %x does not decode", stateEarly, b)
		case e.action != Edit:
			return nil
		}
		text, err := texts.Read(b, payload, earlyHead)
		if err != nil || !c.keys.SkipDecrypt && json.Unmarshal(text, new(earlyEdit)) != nil {
			return c.report("state/%s: the text under key %x cannot be read: %v", stateEarly, b, err)
		}
		return nil
	})
}
