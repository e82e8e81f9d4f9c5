package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// openWith is openTemp with options. Close it if the file is opened once more.
func openWith(t testing.TB, path string, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secrets is what people wrote and are called, in a database made by fillSecrets.
func secrets() []string {
	return []string{"Unmistakable", "Backfilled", "Logged", "Edelweiss", "Zanzibar", "Quicksilver", "Halloumi", "隱私", "Passed on", "Quandary", "Quirk", "Wavingcat"}
}

// fillSecrets stores what comes live, from history and from logs, with names of all
// kinds, and merges some.
func fillSecrets(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := context.Background()
	for guild := range store.ID(3) {
		guild++
		channel := store.Channel{ID: 5, Name: "Zanzibar-" + guild.String()}
		batch := store.Batch{Names: []store.Name{{Guild: guild, Name: "Halloumi " + guild.String()}}}
		logs := store.LogBatch{File: store.LogFile{Key: guild.String() + "/20231114/info.jsonl", Path: "x", Offset: 1, Start: startOf(guild), StartLen: 9}}
		for i := range 200 {
			user := 1 + store.ID(i%17)
			r := store.Record{
				Guild: guild, User: user, Time: store.Micros(1_700_000_000e6 + int64(i)*30e6), Message: store.ID(1000*int(guild) + i + 1),
				Channel: channel, Content: fmt.Sprint("Unmistakable ", i), Source: store.SourceLive, ReplyTo: 77,
			}
			l := r
			l.Message, l.ReplyTo, l.Source, l.Channel.ID = 0, 0, store.SourceLog, 0
			switch i % 5 {
			case 0:
				r.Content, r.Source = fmt.Sprint("Backfilled 隱私 ", i), store.SourceBackfill
			case 1: // both sides
				l.Time += 300e3
				logs.Records = append(logs.Records, l)
			case 2:
				l.Content, l.Channel.Name, l.Time = fmt.Sprint("Logged ", i), "Quicksilver", l.Time+5e6
				logs.Records = append(logs.Records, l)
			case 3:
				r.Content = ""
				r.Extra = &store.Extra{Forwarded: &store.Forwarded{Content: fmt.Sprint("Passed on ", i), Attachments: i}}
			case 4:
				r.Extra = &store.Extra{Poll: &store.Poll{Question: "Quandary?", Answers: []string{"Quirk", ""}}, Stickers: []string{"Wavingcat"}}
			}
			batch.Records = append(batch.Records, r)
			batch.Names = append(batch.Names, store.Name{Guild: guild, User: user, Name: fmt.Sprint("Edelweiss ", user)})
		}
		if _, err := storetest.Import(ctx, db, logs); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Put(ctx, batch); err != nil {
			t.Fatal(err)
		}
	}
}

func startOf(guild store.ID) []byte {
	sum := sha256.Sum256([]byte("Unmistakable" + guild.String()))
	return sum[:]
}

// contents is all that a database answers.
type contents struct {
	records []store.Record
	guilds  []store.Guild
	names   map[store.ID]map[store.ID]string
	files   []store.LogFile
	profile store.Profile
	summary store.Summary
	newest  []store.Record
}

func contentsOf(t testing.TB, db *store.DB) (c contents) {
	t.Helper()
	ctx := context.Background()
	var errs [6]error
	c.records = all(t, db, store.Query{})
	c.guilds, errs[0] = db.Guilds(ctx)
	c.names = map[store.ID]map[store.ID]string{}
	for _, g := range c.guilds {
		names, err := db.Names(ctx, g.ID)
		c.names[g.ID], errs[1] = names, errors.Join(errs[1], err)
	}
	c.files, errs[2] = db.LogFiles(ctx)
	c.profile, _, errs[3] = db.Profile(ctx, 1, 2, store.Days{}, store.Micros(1_700_000_000e6).Time())
	c.summary, errs[4] = db.Summary(ctx, 1, store.Days{}, 5)
	q := store.Query{Guild: 1, Match: func(r *store.Record) bool { return strings.Contains(r.Content, "7") }}
	for behind, more := (*store.Position)(nil), true; more && errs[5] == nil; { // a page ends sooner where the machine is slow
		var page []store.Record
		page, behind, errs[5] = db.Newest(ctx, q, behind, 50)
		c.newest, more = append(c.newest, page...), behind != nil
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

func mustAnswer(t testing.TB, db *store.DB, want contents) {
	t.Helper()
	have := contentsOf(t, db)
	for _, f := range []struct {
		name       string
		have, want any
	}{
		{"guilds", have.guilds, want.guilds}, {"names", have.names, want.names}, {"files", have.files, want.files},
		{"the profile", have.profile, want.profile}, {"the summary", have.summary, want.summary},
	} {
		if !reflect.DeepEqual(f.have, f.want) {
			t.Errorf("%s are %.400v, want %.400v", f.name, f.have, f.want)
		}
	}
	sameRecords(t, "records", have.records, want.records)
	sameRecords(t, "the newest", have.newest, want.newest)
}

// sameRecords tells of the first record that is another one than is wanted.
func sameRecords(t testing.TB, what string, have, want []store.Record) {
	t.Helper()
	for i := range max(len(have), len(want)) {
		switch {
		case i >= len(have) || i >= len(want):
			t.Errorf("%s: %d, want %d", what, len(have), len(want))
			return
		case !reflect.DeepEqual(have[i], want[i]):
			t.Errorf("%s: the one at %d is %+v %s, want %+v %s", what, i, have[i], extraOf(have[i]), want[i], extraOf(want[i]))
			return
		}
	}
}

// mustHide compacts a file and looks for what must not be in its bytes.
func mustHide(t *testing.T, path string, salt []byte) {
	t.Helper()
	compacted := filepath.Join(t.TempDir(), "compacted.db")
	compactInto(t, path, compacted)
	for _, file := range []string{path, compacted} {
		if file == path && salt == nil {
			continue // it has freed pages from when it was not encrypted
		}
		b := readFile(t, file)
		for _, secret := range secrets() {
			if at := bytes.Index(b, []byte(secret)); at >= 0 {
				t.Errorf("%s: %q at byte %d: %q", filepath.Base(file), secret, at, b[max(0, at-20):at+40])
			}
		}
		for guild := range store.ID(3) {
			// What is guessed cannot be compared with anything.
			guild++
			if bytes.Contains(b, startOf(guild)) || bytes.Contains(b, []byte(fmt.Sprintf("%q", startOf(guild)))) {
				t.Errorf("%s: the hash of a log's start", filepath.Base(file))
			}
			for _, c := range []store.Channel{{ID: 5, Name: "Zanzibar-" + guild.String()}, {Name: "Zanzibar-" + guild.String()}, {Name: "Quicksilver"}} {
				sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(c.ID)), c.Name...))
				if bytes.Contains(b, sum[:8]) {
					t.Errorf("%s: the hash of channel %v", filepath.Base(file), c)
				}
			}
		}
		if salt != nil && bytes.Contains(b, salt) {
			t.Errorf("%s: the salt of the hashes", filepath.Base(file))
		}
	}
}

func compactInto(t testing.TB, from, to string) {
	t.Helper()
	src, err := bbolt.Open(from, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := bbolt.Open(to, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	if err := bbolt.Compact(dst, src, 1<<20); err != nil {
		t.Fatal(err)
	}
}

// An encrypted database answers as another one does, and nothing of what people
// wrote or are called is in its bytes, nor what a guess could be compared with.
func TestEncrypted(t *testing.T) {
	folder := t.TempDir()
	plain := openTemp(t)
	path := filepath.Join(folder, "rollcall.db")
	for range 2 { // the second time all is known
		db := openWith(t, path, store.Options{Key: key(t, 1)})
		fillSecrets(t, db)
		fillSecrets(t, plain)
		mustAnswer(t, db, contentsOf(t, plain))
		mustBeSound(t, db)
		salt := store.Salt(db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		mustHide(t, path, salt)
	}
	// The test sees what there is to see.
	var b bytes.Buffer
	if _, err := plain.Snapshot(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(secrets(), string(store.Salt(plain))) {
		if !bytes.Contains(b.Bytes(), []byte(secret)) {
			t.Errorf("%q is not even in the database that is not encrypted", secret)
		}
	}
}

// A value that was put elsewhere, or changed, with a right checksum, does not open:
// that is told apart from a flipped byte, and found by Check.
func TestForgedValue(t *testing.T) {
	const forged, flipped = "does not open", "checksum"
	recordAt := func(i int) []byte { // the key of record i of fillSecrets
		k := binary.BigEndian.AppendUint64(nil, uint64(1+i%17))
		k = binary.BigEndian.AppendUint64(k, uint64(1_700_000_000e6+int64(i)*30e6)^(1<<63))
		return binary.BigEndian.AppendUint64(k, uint64(1000+i+1))
	}
	channel := func(n byte) []byte { return []byte{0, 0, 0, 0, n} }
	name := func(user byte) []byte {
		return append(binary.BigEndian.AppendUint64(nil, 1), 0, 0, 0, 0, 0, 0, 0, user)
	}
	payload := func(b *bbolt.Bucket, key []byte) []byte {
		v := b.Get(key)
		return bytes.Clone(v[:len(v)-4])
	}
	move := func(fromBucket string, from []byte, toBucket string, to []byte) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			return bucketAt(tx, toBucket).Put(to, store.Seal(to, payload(bucketAt(tx, fromBucket), from)))
		}
	}
	change := func(bucket string, key []byte, by func([]byte) []byte) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			b := bucketAt(tx, bucket)
			return b.Put(key, store.Seal(key, by(payload(b, key))))
		}
	}
	flipAt := func(i int) func([]byte) []byte {
		return func(p []byte) []byte {
			p[(len(p)+i)%len(p)] ^= 1
			return p
		}
	}
	for _, tc := range []struct {
		name string
		do   func(*bbolt.Tx) error
		want string
	}{
		{"moved to another record", move("user_stats/1", recordAt(4), "user_stats/1", recordAt(9)), forged},
		{"moved to another guild", func(tx *bbolt.Tx) error {
			// The same key there, so that only the bucket is another.
			to := recordAt(4)
			if err := bucketAt(tx, "user_stats/2").Put(to, store.Seal(to, payload(bucketAt(tx, "user_stats/1"), to))); err != nil {
				return err
			}
			return nil
		}, forged},
		{"an older one of the same place, encrypted with another key", change("user_stats/1", recordAt(4), func(p []byte) []byte {
			p[bytes.IndexByte(p[3:], 1)+3] = 9
			return p
		}), ""},
		{"another source", change("user_stats/1", recordAt(4), func(p []byte) []byte { p[1] ^= 3; return p }), forged},
		{"another field", change("user_stats/1", recordAt(4), func(p []byte) []byte { p[13] ^= 1; return p }), forged},
		{"a changed text", change("user_stats/1", recordAt(4), flipAt(-17)), forged},
		{"a changed tag", change("user_stats/1", recordAt(4), flipAt(-1)), forged},
		{"said not to be encrypted", change("user_stats/1", recordAt(4), func(p []byte) []byte { p[1] &^= 8; return p }), "is not encrypted, though the database is"},
		{"one put in by hand", change("user_stats/1", recordAt(4), func([]byte) []byte { return []byte("\x01\x01\x00hello") }), "is not encrypted, though the database is"},
		{"a channel's name on another channel", move("channels/1", channel(1), "channels/1", channel(0)), forged},
		{"a channel's name in another guild", move("channels/1", channel(0), "channels/2", channel(0)), forged},
		{"a channel's id", change("channels/1", channel(0), flipAt(0)), forged},
		{"a name of another", move("names", name(3), "names", name(4)), forged},
		{"a name put in by hand", change("names", name(3), func([]byte) []byte { return []byte("Mallory") }), "is not encrypted, though the database is"},
		{"a cursor of another file", move("state/log_files", []byte("1/20231114/info.jsonl"), "state/log_files", []byte("2/20231114/info.jsonl")), forged},
		{"a flipped byte of a text", func(tx *bbolt.Tx) error {
			b := bucketAt(tx, "user_stats/1")
			v := bytes.Clone(b.Get(recordAt(4)))
			v[len(v)-20] ^= 1
			return b.Put(recordAt(4), v)
		}, flipped},
		{"a flipped byte of a name", func(tx *bbolt.Tx) error {
			v := bytes.Clone(bucketAt(tx, "names").Get(name(3)))
			v[5] ^= 1
			return bucketAt(tx, "names").Put(name(3), v)
		}, flipped},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{Key: key(t, 1)})
			fillSecrets(t, db)
			if err := store.Scatter(db); err != nil {
				t.Fatal(err)
			}
			db.Close()
			b, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Update(tc.do); err != nil {
				t.Fatal(err)
			}
			b.Close()
			db = openWith(t, path, store.Options{Key: key(t, 1)})
			problems, err := db.Check(context.Background())
			if err != nil || !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tc.want) }) || len(problems) == 0 {
				t.Errorf("check finds %q, %v, want %q", problems, err, tc.want)
			}
			var last error
			for _, err := range db.Records(context.Background(), store.Query{}) {
				last = err
			}
			_, namesErr := db.Names(context.Background(), 1)
			_, filesErr := db.LogFiles(context.Background())
			read := errors.Join(last, namesErr, filesErr)
			if !errors.Is(read, store.ErrDamaged) || !strings.Contains(read.Error(), tc.want) {
				t.Fatalf("it reads with %v, want %q", read, tc.want)
			}
			if tc.want == forged && strings.Contains(read.Error(), "fails its checksum") || tc.want == flipped && strings.Contains(read.Error(), forged) {
				t.Errorf("damage and forgery are not told apart: %v", read)
			}
		})
	}
}

func bucketAt(tx *bbolt.Tx, path string) *bbolt.Bucket {
	top, nested, isNested := strings.Cut(path, "/")
	b := tx.Bucket([]byte(top))
	if isNested {
		b = b.Bucket([]byte(nested))
	}
	return b
}

// No two texts may be encrypted with one key and one nonce.
func TestNoncesDiffer(t *testing.T) {
	db := openWith(t, filepath.Join(t.TempDir(), "rollcall.db"), store.Options{Key: key(t, 1)})
	fillSecrets(t, db)
	seen := map[string]bool{}
	for at, value := range store.Dump(t, db) {
		if !strings.HasPrefix(at, "names") {
			continue
		}
		nonce := value[2:14]
		if seen[nonce] {
			t.Errorf("nonce %x comes again", nonce)
		}
		seen[nonce] = true
	}
	if len(seen) < 50 {
		t.Errorf("only %d nonces were seen", len(seen))
	}
	mustBeSound(t, db)
}
