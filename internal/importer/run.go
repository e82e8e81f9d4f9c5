package importer

import (
	"context"
	"errors"
	"time"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/intake"
	"rollcall/store"
)

// Bounds of a batch: about so many messages are stored in one transaction, and three
// batches are in memory: one that is read, one that waits, one that is stored.
const (
	batchMessages = 20_000
	batchBytes    = 8 << 20 // of texts
)

// Target takes batches: a database, or a daemon that has it open.
type Target interface {
	Take(ctx context.Context, b *intake.Batch) (intake.Outcome, error)
}

// Options of Run.
type Options struct {
	Target Target
	// Guilds are other ids of guilds: an archive may carry one that was made up.
	Guilds map[store.ID]store.ID
	DryRun bool // the Target writes nothing, either
	// Progress, if set, is called now and then, from one goroutine at a time.
	Progress func(Progress)
	// Note, if set, is told what there is to say of an archive, in one line, and what
	// an archive counts that it does not hold.
	Note func(path, note string, totals []archive.Total)
}

// Progress tells how far a run is.
type Progress struct {
	Done, Total int64 // bytes, more or less
	Messages    int64 // new, known and skipped ones
}

// FileSummary is what became of one archive.
type FileSummary struct {
	Path        string                   `json:"path"`
	Format      Format                   `json:"format"`
	GuildID     string                   `json:"guild_id"`     // "" if there are several, or none
	ChannelName string                   `json:"channel_name"` // likewise
	Messages    int64                    `json:"messages"`
	Known       int64                    `json:"known"`
	Updated     int64                    `json:"updated"`
	Skipped     map[archive.Reason]int64 `json:"skipped"`
	Malformed   int64                    `json:"malformed"`
	Incomplete  bool                     `json:"incomplete"`
}

// Summary is what became of all.
type Summary struct {
	Files      []FileSummary            `json:"files"`
	Messages   int64                    `json:"messages"`
	Known      int64                    `json:"known"`
	Updated    int64                    `json:"updated"`
	Skipped    map[archive.Reason]int64 `json:"skipped"`
	Malformed  int64                    `json:"malformed"`
	Incomplete []string                 `json:"incomplete"`
	Refused    []Refusal                `json:"refused"`
	Seconds    float64                  `json:"seconds"`
}

// Run takes in all archives that were found, in their order. What is done is done: the
// Summary is of what was taken in, also with an error, which is that of ctx or of the
// Target. Running again takes in the rest; messages are known by their ids, so that
// nothing comes twice.
func Run(ctx context.Context, found *Found, o Options) (sum Summary, err error) {
	began := time.Now()
	r := &run{Options: o, seen: map[store.ID]struct{}{}, edits: map[store.ID]store.Micros{}, sum: Summary{
		Files: []FileSummary{}, Skipped: map[archive.Reason]int64{}, Incomplete: []string{}, Refused: append([]Refusal{}, found.Refused...),
	}}
	for _, f := range found.Files {
		r.progress.Total += f.size
	}
	for _, f := range found.Files {
		if err = r.file(ctx, f); err != nil {
			break
		}
	}
	r.sum.Seconds = time.Since(began).Seconds()
	return r.sum, err
}

// run is one run.
type run struct {
	Options
	sum      Summary
	progress Progress
	// Of a dry run, what would have been stored by now, and when that was edited.
	seen  map[store.ID]struct{}
	edits map[store.ID]store.Micros
}

// seenMost bounds seen, at about 150 MiB. Beyond it a dry run takes a message that comes
// in two archives for two.
const seenMost = 8_000_000

// file takes in one archive. It is read in another goroutine than it is stored.
func (r *run) file(ctx context.Context, f *File) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &collector{run: r, ctx: ctx, file: f, batches: make(chan *work, 1), base: r.progress.Done}
	if f.Guild != 0 {
		c.guild.note(c.mapped(f.Guild).String())
	}
	c.channel.note(f.ChannelName)
	ended := make(chan struct{})
	var result archive.Result
	var readErr error
	go func() {
		defer close(ended)
		defer close(c.batches)
		if result, readErr = f.Read(ctx, c); readErr == nil {
			readErr = c.hand()
		}
	}()
	sum := FileSummary{Path: f.Path, Skipped: map[archive.Reason]int64{}}
	var err error
	for b := range c.batches {
		if err != nil {
			continue
		}
		if err = r.take(ctx, b, &sum); err != nil {
			cancel()
		}
	}
	<-ended
	if err == nil {
		err = readErr
	}
	if refused, ok := errors.AsType[RefusedError](err); ok {
		r.sum.Refused = append(r.sum.Refused, Refusal{f.Path, refused.Reason})
		return nil
	}
	sum.Format, sum.Malformed, sum.Incomplete = f.Format, c.malformed, result.Incomplete || err != nil
	sum.GuildID, sum.ChannelName = c.guild.text, c.channel.text
	r.sum.Files = append(r.sum.Files, sum)
	r.sum.Malformed += sum.Malformed
	if sum.Incomplete {
		r.sum.Incomplete = append(r.sum.Incomplete, f.Path)
	}
	if r.Note != nil && err == nil && (result.Note != "" || len(result.Totals) > 0) {
		r.Note(f.Path, result.Note, result.Totals)
	}
	r.progress.Done = c.base + f.size
	r.tell()
	return err
}

func (r *run) tell() {
	if r.Progress != nil {
		r.Progress(r.progress)
	}
}

// see takes what would be new out of the outcome of a dry run if it has come before.
func (r *run) see(out *intake.Outcome) {
	for _, m := range out.New {
		_, again := r.seen[m.ID]
		switch {
		case again && m.Edited > r.edits[m.ID]:
			out.Updated++
			fallthrough
		case again:
			out.Messages--
			out.Known++
		case len(r.seen) < seenMost:
			r.seen[m.ID] = struct{}{}
		}
		if m.Edited > r.edits[m.ID] {
			r.edits[m.ID] = m.Edited
		}
	}
}

// take has a batch stored, and counts.
func (r *run) take(ctx context.Context, b *work, sum *FileSummary) error {
	out, err := r.Target.Take(ctx, &b.Batch)
	r.see(&out)
	sum.Messages += out.Messages
	sum.Known += out.Known
	sum.Updated += out.Updated
	r.sum.Messages += out.Messages
	r.sum.Known += out.Known
	r.sum.Updated += out.Updated
	for why, k := range out.Skipped {
		sum.Skipped[why] += k
		r.sum.Skipped[why] += k
	}
	r.progress.Messages += int64(len(b.Messages))
	r.progress.Done = b.done
	r.tell()
	return err
}
