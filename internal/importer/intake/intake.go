package intake

import (
	"context"
	"time"

	"rollcall/internal/importer/archive"
	"rollcall/internal/rules"
	"rollcall/store"
)

// The reasons that are no archive's.
const (
	OptedOut   archive.Reason = "opted_out"
	Forgotten  archive.Reason = "forgotten"
	NotAllowed archive.Reason = "not_allowed" // the guild or channel is not recorded
)

// unknownChannel is the name of a channel of which no name is known.
const unknownChannel = "unknown"

// Batch is a part of an archive.
type Batch struct {
	Made     store.Micros      `json:"made,omitempty"` // when the archive knew what it says of people and guilds
	Messages []archive.Message `json:"messages"`
	Names    []archive.Name    `json:"names,omitempty"`
}

// Outcome is what became of a batch, or would.
type Outcome struct {
	Messages int64                    `json:"messages"`
	Known    int64                    `json:"known"`
	Updated  int64                    `json:"updated"`
	Skipped  map[archive.Reason]int64 `json:"skipped,omitempty"`
	// New are, of a dry run, the messages that would be stored: which of them come again
	// only who has seen all batches knows.
	New []New `json:"new,omitempty"`
}

// New is a message that is not stored yet.
type New struct {
	ID     store.ID     `json:"id"`
	Edited store.Micros `json:"edited,omitempty"`
}

func (o *Outcome) skip(why archive.Reason, n int64) {
	if n == 0 {
		return
	}
	if o.Skipped == nil {
		o.Skipped = map[archive.Reason]int64{}
	}
	o.Skipped[why] += n
}

// Database takes batches into a database. Its methods may be called from any goroutine.
type Database struct {
	Store *store.DB // nil, in a dry run: there is none yet
	Rules *rules.Rules
	// OnDelete is what becomes of a stored message that an archive knows to be deleted.
	OnDelete store.Action
	// KeepEdited: a stored text stays as it is when an archive knows an edit of it.
	KeepEdited bool
	DryRun     bool // nothing is written
	// Commit is how many messages are stored in one transaction; 0: all of a batch. With
	// Polite there is a pause after each, as the migration makes one, for live messages.
	Commit int
	Polite bool
}

// pauseFactor is how much longer than a commit the pause after it is, which is what the
// migration found best for live messages.
const pauseFactor = 1.5

// Take stores a batch. Errors are those of the store and of ctx. A batch of which a part
// was stored may be taken again.
func (d *Database) Take(ctx context.Context, b *Batch) (out Outcome, err error) {
	if d.DryRun {
		return d.preview(ctx, b)
	}
	for rest := b.Messages; len(rest) > 0 || len(b.Names) > 0; {
		n := len(rest)
		if d.Commit > 0 {
			n = min(n, d.Commit)
		}
		part := Batch{Made: b.Made, Messages: rest[:n], Names: b.Names}
		rest, b.Names = rest[n:], nil
		began := time.Now()
		if err := d.commit(ctx, &part, &out); err != nil {
			return out, err
		}
		if d.Polite {
			if err := pause(ctx, time.Duration(pauseFactor*float64(time.Since(began)))); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

func (d *Database) commit(ctx context.Context, b *Batch, out *Outcome) error {
	batch, lines := d.arrange(b, out)
	stored, err := d.Store.PutArchive(ctx, batch)
	if err != nil {
		return err
	}
	if err := d.commitLines(ctx, lines, out); err != nil {
		return err
	}
	out.Messages += stored.Messages
	out.Known += stored.Known
	out.Updated += stored.Updated
	out.skip(Forgotten, stored.Forgotten)
	out.skip(OptedOut, stored.KeptOut)
	return nil
}

func (d *Database) preview(ctx context.Context, b *Batch) (out Outcome, err error) {
	batch, lines := d.arrange(b, &out)
	if err := d.previewLines(ctx, lines, &out); err != nil {
		return out, err
	}
	fates := make([]store.Fate, len(batch.Records))
	if d.Store != nil {
		if fates, err = d.Store.PreviewArchive(ctx, batch); err != nil {
			return out, err
		}
	}
	for i, f := range fates {
		switch f {
		case store.FateForgotten:
			out.skip(Forgotten, 1)
		case store.FateNew:
			out.Messages++
			out.New = append(out.New, New{batch.Records[i].Message, batch.Records[i].Edited})
		case store.FateUpdated:
			out.Updated++
			out.Known++
		default:
			out.Known++
		}
	}
	return out, ctx.Err()
}

// arrange makes records of a batch, and counts in out what becomes none.
func (d *Database) arrange(b *Batch, out *Outcome) (batch store.ArchiveBatch, lines []store.Record) {
	names := map[store.Person]string{}
	batch.KeepEdited = d.KeepEdited
	batch.Records = make([]store.Record, 0, len(b.Messages))
	for i := range b.Messages {
		m := &b.Messages[i]
		r := record(m)
		why := d.decide(m, &r)
		if why == archive.Deleted && d.OnDelete != store.Keep && m.Guild != 0 {
			batch.Changes = append(batch.Changes, store.Change{Guild: m.Guild, Message: m.ID, Time: m.Time, User: m.User, Action: d.OnDelete})
		}
		if why != "" {
			out.skip(why, 1)
			continue
		}
		if m.Line {
			r.Source = store.SourceLog
			lines = append(lines, r)
		} else {
			batch.Records = append(batch.Records, r)
		}
		if m.UserName != "" {
			names[store.Person{User: m.User, Guild: m.Guild}] = m.UserName
		}
		if m.GuildName != "" {
			names[store.Person{Guild: m.Guild}] = m.GuildName
		}
	}
	for _, n := range b.Names {
		if !d.Rules.GuildAllowed(n.Guild) {
			continue
		}
		if keep, err := d.Rules.Apply(&store.Record{Guild: n.Guild, User: n.User}); err == nil && keep {
			names[store.Person{User: n.User, Guild: n.Guild}] = n.Name
		}
	}
	for p, name := range names {
		batch.Names = append(batch.Names, store.ArchiveName{Name: store.Name{Guild: p.Guild, User: p.User, Name: name}, At: b.Made})
	}
	return batch, lines
}

// record is what would be stored of a message that counts.
func record(m *archive.Message) store.Record {
	r := store.Record{
		Guild: m.Guild, User: m.User, Time: m.Time, Message: m.ID, Channel: store.Channel{ID: m.Channel.ID, Name: m.Channel.Name},
		Content: m.Content, Source: store.SourceImport, ReplyTo: m.ReplyTo, ReplyToUser: m.ReplyToUser, Attachments: m.Attachments,
		Edited: m.Edited, Formatted: m.Formatted, Redacted: m.Redacted,
	}
	if r.Channel.Name == "" {
		r.Channel.Name = unknownChannel
	}
	if m.Forwarded != nil || m.Poll != nil || len(m.Stickers) > 0 {
		r.Extra = &store.Extra{Stickers: m.Stickers}
		if m.Forwarded != nil {
			r.Extra.Forwarded = &store.Forwarded{Content: m.Forwarded.Content, Attachments: m.Forwarded.Attachments}
		}
		if m.Poll != nil {
			r.Extra.Poll = &store.Poll{Question: m.Poll.Question, Answers: m.Poll.Answers}
		}
	}
	return r
}

// decide returns why nothing is stored of a message, and leaves in its record what is kept.
func (d *Database) decide(m *archive.Message, r *store.Record) archive.Reason {
	if m.Skip != "" {
		return m.Skip
	}
	keep, err := d.Rules.Apply(r)
	switch {
	case err != nil: // nobody knows who has opted out; the rules have told so in the log
		return NotAllowed
	case !keep:
		return OptedOut
	}
	if d.Store != nil && d.Store.Forgotten(store.Person{User: m.User, Guild: m.Guild}) {
		return Forgotten
	}
	c := m.Channel
	if !d.Rules.Allowed(m.Guild, c.ID, c.Parent) || c.Thread && c.Parent == 0 && !d.Rules.Decided(m.Guild, c.ID) {
		return NotAllowed
	}
	return ""
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
