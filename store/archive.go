package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// ArchiveBatch is what is stored in one transaction of an archive of another tool. It
// moves no cursor and fills no gap: what an archive does not have may be there all the same.
type ArchiveBatch struct {
	Records []Record // SourceImport
	Changes []Change // what the archive knows to be deleted, after Records
	Names   []ArchiveName
	// KeepEdited: a text that is stored stays, whatever edit the archive knows.
	KeepEdited bool
}

// ArchiveName is a name with the moment at which an archive knew it, 0 if that says nothing.
type ArchiveName struct {
	Name
	At Micros
}

// ArchiveOutcome is what became of an ArchiveBatch's records.
type ArchiveOutcome struct {
	Messages  int64 // new
	Known     int64 // already stored, or removed before
	Updated   int64 // of the known ones, those of which the archive knew something better
	Forgotten int64 // of people who are forgotten
	KeptOut   int64 // by the gate (see Guard)
}

// Add adds o to a.
func (a *ArchiveOutcome) Add(o ArchiveOutcome) {
	a.Messages += o.Messages
	a.Known += o.Known
	a.Updated += o.Updated
	a.Forgotten += o.Forgotten
	a.KeptOut += o.KeptOut
}

// PutArchive stores messages of an archive in one transaction, synced when it returns.
//
// A message is known by its id: one that is there stays in its place and channel, and
// gets a later edit, the raw text in the place of a formatted one, an answer, a forward,
// a poll or stickers of which nothing was known. A log line that is the same message is
// merged into its record (see Import). A name is put if none is known, or if whose it is has
// written nothing since. Errors are as those of Put.
func (db *DB) PutArchive(ctx context.Context, b ArchiveBatch) (out ArchiveOutcome, err error) {
	if err := b.check(); err != nil {
		return out, err
	}
	shares, err := db.arrange(b.Records)
	if err != nil {
		return out, err
	}
	err = db.update(ctx, func(w *writeTx) error {
		out = ArchiveOutcome{}
		if err := w.eachGuild(shares, func(g *guildTx, batch []pending) error {
			o, err := g.putArchived(batch, b.KeepEdited)
			out.Add(o)
			return err
		}); err != nil {
			return err
		}
		if err := w.applyChanges(b.Changes); err != nil {
			return err
		}
		return w.putArchiveNames(b.Names)
	})
	if err != nil {
		return ArchiveOutcome{}, err
	}
	return out, nil
}

func (b *ArchiveBatch) check() error {
	for i := range b.Records {
		if r := &b.Records[i]; r.Message == 0 || r.Message&record.LogMark != 0 || r.Source != SourceImport {
			return fmt.Errorf("record of message id %d, source %d: want an id below 2^63 of an import", r.Message, r.Source)
		}
	}
	return nil
}

// putArchived puts records of an archive.
func (g *guildTx) putArchived(batch []pending, keepEdited bool) (out ArchiveOutcome, err error) {
	var fresh []pending
	put := func() error {
		if len(fresh) == 0 {
			return nil
		}
		n, err := g.putMessages(fresh)
		out.Messages += int64(n)
		fresh = fresh[:0]
		return err
	}
	for i := range batch {
		p := &batch[i]
		if g.forgets(p.key.User) {
			out.Forgotten++
			continue
		}
		if p.out {
			out.KeptOut++
			continue
		}
		if i > 0 && batch[i-1].key.ID == p.key.ID { // the second of two has to find the first
			if err := put(); err != nil {
				return out, err
			}
		}
		g.coming = len(batch)
		key, found := g.locate(p.key)
		if !found {
			fresh = append(fresh, *p)
			continue
		}
		out.Known++
		g.w.noteDuplicate(SourceImport)
		if g.removed(key) {
			continue
		}
		changed, err := g.improve(key, p, keepEdited)
		if err != nil {
			return out, err
		}
		if changed {
			out.Updated++
		}
	}
	return out, put()
}

// improve adds to a record what another source knows better, and reports whether that was
// anything.
func (g *guildTx) improve(key record.Key, p *pending, keepEdited bool) (bool, error) {
	b := key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), key.Time)
	if err != nil || !mayImprove(&s, p.more) {
		return false, err
	}
	if s, err = g.whole(key); err != nil {
		return false, err
	}
	r := *p.more
	if r.ReplyToUser != 0 && g.w.forgotten.has(Person{r.ReplyToUser, g.id}) {
		r.ReplyTo, r.ReplyToUser = 0, 0
	}
	before := s
	if err := improve(&s, &r, p.gone, keepEdited, func() error { return g.keepWords(key, &s) }); err != nil || s.SameContent(&before) {
		return false, err
	}
	g.leave()
	if untold(&before, &r) && r.Edited == 0 && !r.Formatted {
		return true, g.tellFirst(key, &s)
	}
	return true, g.records.Replace(key, recordValue(g, key, &s, s.Text))
}

// tellFirst stores a message of which it is known only now what it said first. By what was
// known of it before, it may have taken any line, or none: both look for their best again.
func (g *guildTx) tellFirst(key record.Key, now *record.Value) error {
	if err := g.approach(key.User, key.Time); err != nil {
		return err
	}
	at, found := slices.BinarySearchFunc(g.near.messages, key, func(m *message, key record.Key) int { return m.key.Compare(key) })
	if !found {
		return kv.Damaged(key.Append(nil))
	}
	m := g.near.messages[at]
	line, err := g.release(m)
	if err != nil {
		return err
	}
	if line != nil && line.borrowed {
		if err := g.openWords(&line.words); err != nil {
			return err
		}
		line.borrowed = false
	}
	now.Loose, now.InLogs, now.Line = false, false, m.Line
	m.Value, m.opened = *now, true
	m.words = words{has: true, open: true, text: now.Text, size: len(now.Text)}
	if err := g.rewrite(m); err != nil {
		return err
	}
	if err := g.settleMessage(m, false); err != nil || line == nil {
		return err
	}
	return g.settleLine(line, line.gone)
}

// correct lets what Discord itself says of a message replace what an archive said of it,
// or what Discord had withheld.
func (g *guildTx) correct(p *pending) error {
	if p.more.Source == SourceImport || g.removed(p.key) {
		return nil
	}
	b := p.key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), p.key.Time)
	if err != nil || s.Source != SourceImport && !untold(&s, p.more) && !untoldForward(&s, p.more) {
		return nil // what is damaged is told of when it is read
	}
	_, err = g.improve(p.key, p, false)
	return err
}

// mayImprove reports whether another source may know something better, by what shows
// without opening the text: nearly all that is read again does not.
func mayImprove(s *record.Value, r *Record) bool {
	ours := s.Source == SourceImport
	return r.Edited > s.Edited || untold(s, r) ||
		ours && (r.Source != SourceImport || !r.Formatted && hasMarks(r.Content) || r.Attachments > s.Attachments) ||
		s.ReplyTo != r.ReplyTo && s.ReplyTo == 0 || s.ReplyUser != r.ReplyToUser && s.ReplyUser == 0 ||
		r.Extra != nil && !s.Forward && s.MoreSize == 0 || untoldForward(s, r)
}

// improve changes a record by what another source says of the same message; gone says
// that a text is not to be kept, keepEdited that an edit changes none. Before the text
// changes it calls keep.
func improve(s *record.Value, r *Record, gone, keepEdited bool, keep func() error) error {
	if !s.Gone && !gone {
		better := r.Edited > s.Edited && !keepEdited
		if untold(s, r) && !r.Formatted {
			s.Text, s.Edited, s.Attachments = []byte(r.Content), r.Edited, min(r.Attachments, record.MaxCount)
			better = false
		}
		if s.Source == SourceImport && r.Edited == s.Edited {
			// What Discord itself tells is right; a raw text is better than a formatted one.
			better = r.Source != SourceImport || !r.Formatted && hasMarks(r.Content) && !hasMarks(string(s.Text))
		}
		if r.Formatted && hasMarks(string(s.Text)) {
			better = false
		}
		if better && (string(s.Text) != r.Content || r.Edited > s.Edited) {
			if err := keep(); err != nil {
				return err
			}
			s.Text = []byte(r.Content)
		}
		if better {
			s.Edited = max(s.Edited, r.Edited)
		}
		if !s.Forward && len(s.More) == 0 && r.Extra != nil || untoldForward(s, r) {
			s.SetExtra(r.Extra)
		}
	}
	if s.ReplyTo == 0 || s.ReplyTo == r.ReplyTo && s.ReplyUser == 0 {
		s.ReplyTo, s.ReplyUser = r.ReplyTo, r.ReplyToUser
	}
	if s.Source == SourceImport {
		s.Attachments = max(s.Attachments, min(r.Attachments, record.MaxCount))
	}
	return nil
}

// unsaid reports whether a message is stored without anything that was written.
func unsaid(s *record.Value) bool {
	return s.Loose && !s.Gone && s.TextSize() == 0 && s.Attachments == 0 && s.MoreSize == 0 && !s.Forward && s.Edited == 0
}

// untold reports whether a message is stored without what it said, which r may know. That
// Discord withholds texts need not show of a single message, such as one with a sticker: what
// was never edited, and has a text in r, has always had it.
func untold(s *record.Value, r *Record) bool {
	return unsaid(s) || !s.Gone && s.TextSize() == 0 && s.Attachments == 0 && s.Edited == 0 &&
		r.Source != SourceImport && r.Edited == 0 && (r.Content != "" || r.Attachments > 0)
}

// untoldForward reports whether a message is stored as a forward of nothing, as Discord
// shows it while it withholds texts, and r knows of what.
func untoldForward(s *record.Value, r *Record) bool {
	return s.Forward && !s.Gone && s.MoreSize == 0 && r.Extra != nil && r.Extra.Forwarded != nil &&
		(r.Extra.Forwarded.Content != "" || r.Extra.Forwarded.Attachments > 0)
}

// hasMarks reports whether a text has marks that a formatted one has names for.
func hasMarks(text string) bool {
	for at := strings.IndexByte(text, '<'); at >= 0 && at+1 < len(text); {
		switch text[at+1] {
		case '@', '#', ':', 't', 'a', '/':
			return true
		}
		next := strings.IndexByte(text[at+1:], '<')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return false
}

// locate returns the key of a message that is stored, or was and has been removed: under
// its own key, at a time that differs by less than a second (archives cut it, or have it
// of the id), or under the id of deleted accounts.
func (g *guildTx) locate(key record.Key) (record.Key, bool) {
	if g.has(key) {
		return key, true
	}
	if !g.info.ids.Overlaps(key.Time-findSlack, key.Time+findSlack) {
		return key, false
	}
	users := []ID{key.User, DeletedUser}
	if key.User == DeletedUser {
		users = users[:1]
	}
	for _, user := range users {
		if at, ok := g.findNear(record.Key{User: user, Time: key.Time, ID: key.ID}); ok {
			return at, true
		}
	}
	if key.User != DeletedUser {
		return key, false
	}
	moments, known := g.momentsOf(civil.QuarterOf(key.Time))
	for _, m := range moments {
		if at := (record.Key{User: m.User, Time: m.Time, ID: key.ID}); known && m.Time == key.Time && g.records.Get(at.Append(nil)) != nil {
			return at, true
		}
	}
	if known {
		return key, false
	}
	found := map[ID]record.Key{} // where the quarter hour is a long one
	if err := g.findByTime([]Change{{Message: ID(key.ID), Time: key.Time}}, found); err != nil {
		return key, false
	}
	at, ok := found[ID(key.ID)]
	if !ok {
		at = key
	}
	return at, ok
}

// findNear looks for a user's message within findSlack of its time.
func (g *guildTx) findNear(key record.Key) (record.Key, bool) {
	from, to := key.Time-findSlack, key.Time+findSlack
	for _, e := range g.records.AddedBetween(record.Key{User: key.User, Time: from}, record.Key{User: key.User, Time: to, ID: math.MaxUint64}) {
		if e.Key.ID == key.ID {
			return e.Key, true
		}
	}
	for q := civil.QuarterOf(from); q <= civil.QuarterOf(to); q++ {
		moments, known := g.momentsOf(q)
		if !known {
			return nearest(g.records, key)
		}
		for _, m := range rollup.MomentsBetween(moments, key.User, from, to) {
			if at := (record.Key{User: key.User, Time: m.Time, ID: key.ID}); g.records.Get(at.Append(nil)) != nil {
				return at, true
			}
		}
	}
	return key, false
}

// momentsOf returns the moments of a quarter hour, unless they are too many.
func (g *guildTx) momentsOf(q uint32) ([]rollup.Moment, bool) {
	if moments, ok := g.quarters[q]; ok {
		return moments, true
	}
	moments, ok, err := g.timeline.Quarter(q, quarterShare*g.coming)
	if err != nil || !ok {
		return nil, false
	}
	g.quarters[q] = moments
	return moments, true
}

// nearest looks among the records themselves for what findNear looks for.
func nearest(r *lsm.Records, key record.Key) (record.Key, bool) {
	from, to := key.Time-findSlack, key.Time+findSlack
	c := r.Between(from, to)
	for b, _ := c.Seek(record.Key{User: key.User, Time: from, ID: 0}.Append(nil)); b != nil; b, _ = c.Next() {
		at := record.PadKey(b)
		if at.User != key.User || at.Time > to {
			break
		}
		if at.ID == key.ID {
			return at, true
		}
	}
	return key, false
}

// putArchiveNames puts names that are not known, or not as new. A name is as new as the
// last message of whose it is, since a message brings a name with it.
func (w *writeTx) putArchiveNames(names []ArchiveName) error {
	var put []Name
	for _, n := range names {
		known := w.tx.Bucket(bucketNames).Get(kv.U64(kv.U64(nil, uint64(n.Guild)), uint64(n.User))) != nil
		if !known || n.At >= w.lastSeen(n.Guild, n.User) && n.At != 0 {
			put = append(put, n.Name)
		}
	}
	return w.putNames(put)
}

// lastSeen returns the time of the last message of a user, or, for user 0, of the guild.
func (w *writeTx) lastSeen(guild, user ID) Micros {
	if w.tx.Bucket(bucketGuilds).Get(kv.U64(nil, uint64(guild))) == nil && w.guilds[guild] == nil {
		return civil.MinMicros
	}
	g, err := w.guild(guild)
	if err != nil {
		return civil.MaxMicros
	}
	if user == 0 {
		return max(g.info.ids.Max, g.info.logs.Max)
	}
	b, _ := g.records.Cursor().Before(record.Key{User: user + 1, Time: civil.MinMicros, ID: 0}.Append(nil))
	if key := record.PadKey(b); b != nil && key.User == user {
		return key.Time
	}
	return civil.MinMicros
}

// Fate is what would become of a record of an archive.
type Fate uint8

const (
	FateNew       Fate = iota // stored
	FateKnown                 // there already, with all that is known
	FateUpdated               // there already, and changed
	FateForgotten             // of somebody who is forgotten
)

// PreviewArchive tells, for each of the records in their order, what PutArchive would do,
// and changes nothing.
func (db *DB) PreviewArchive(ctx context.Context, b ArchiveBatch) (fates []Fate, err error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		fates = make([]Fate, len(b.Records))
		guilds := map[ID]*lsm.Records{}
		for i := range b.Records {
			r := &b.Records[i]
			if db.forgotten.has(Person{r.User, r.Guild}) {
				fates[i] = FateForgotten
				continue
			}
			of, ok := guilds[r.Guild]
			if !ok {
				of = recordsOf(tx, r.Guild)
				guilds[r.Guild] = of
			}
			if of == nil {
				continue
			}
			if fates[i], err = db.preview(tx, of, r, b.KeepEdited); err != nil {
				return err
			}
		}
		return nil
	})
	return fates, err
}

// writtenAt returns who has written something in a guild at a moment.
func writtenAt(tx *kv.Tx, guild ID, at Micros) (users []ID) {
	q := civil.QuarterOf(at)
	moments, _, err := rollup.OpenTimeline(tx.Bucket(bucketTimeline).Bucket(bucketName(guild)), nil).Quarter(q, math.MaxInt)
	if err != nil {
		return nil // what is damaged is told of elsewhere
	}
	for _, m := range moments {
		if m.Time == at {
			users = append(users, m.User)
		}
	}
	return users
}

func (db *DB) preview(tx *kv.Tx, of *lsm.Records, r *Record, keepEdited bool) (Fate, error) {
	users := []ID{r.User, DeletedUser}
	if r.User == DeletedUser {
		users = append(users, writtenAt(tx, r.Guild, r.Time)...)
	}
	for _, user := range users {
		key := record.Key{User: user, Time: r.Time, ID: uint64(r.Message)}
		trace := append(append([]byte{tombMessage}, kv.U64(nil, uint64(r.Guild))...), key.Append(nil)...)
		if tx.Bucket(bucketState).Bucket(stateTombstones).Get(trace) != nil {
			return FateKnown, nil
		}
		at, ok := nearest(of, key)
		if !ok {
			continue
		}
		b := at.Append(nil)
		s, err := record.Read(b, of.Get(b), at.Time)
		if err == nil {
			err = s.Open(db.keys.NestedTexts(bucketRecords, bucketName(r.Guild)), b, new([]byte))
		}
		if err != nil {
			return FateKnown, err
		}
		before := s
		if err := improve(&s, r, r.Redacted, keepEdited, func() error { return nil }); err != nil || s.SameContent(&before) {
			return FateKnown, err
		}
		return FateUpdated, nil
	}
	return FateNew, nil
}
