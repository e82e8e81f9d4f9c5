package intake

import (
	"context"

	"rollcall/store"
)

// linesKey is the log file under which lines come in that an export of our own has, in the
// list of log files. No folder of logs has a file of that name.
const linesKey = "import/lines of exports"

// commitLines stores lines of logs as the migration does, so that they are matched with their
// messages whichever comes first.
func (d *Database) commitLines(ctx context.Context, lines []store.Record, out *Outcome) error {
	if len(lines) == 0 {
		return nil
	}
	file, known, err := d.Store.LogFile(ctx, linesKey)
	if err != nil {
		return err
	}
	if !known {
		file = store.LogFile{Key: linesKey, Path: linesKey, Complete: true}
	}
	file.Counts.Lines += int64(len(lines))
	batch, err := d.Store.Prepare(store.LogBatch{Records: lines, File: file})
	if err != nil {
		return err
	}
	done, err := d.Store.Commit(ctx, batch)
	if err != nil {
		return err
	}
	out.Messages += done[0].Messages
	out.Known += done[0].Duplicates
	out.skip(Forgotten, done[0].Skipped)
	return nil
}

// previewLines tells which lines are new. One whose message is there counts as new, as it does
// when it is stored.
func (d *Database) previewLines(ctx context.Context, lines []store.Record, out *Outcome) error {
	for i := range lines {
		known, err := d.knowsLine(ctx, &lines[i])
		if err != nil {
			return err
		}
		if known {
			out.Known++
		} else {
			out.Messages++
		}
	}
	return nil
}

func (d *Database) knowsLine(ctx context.Context, line *store.Record) (bool, error) {
	if d.Store == nil {
		return false, nil
	}
	q := store.Query{Guild: line.Guild, User: line.User, When: store.Range{From: line.Time, To: line.Time + 1}}
	for r, err := range d.Store.Records(ctx, q) {
		if err != nil {
			return false, err
		}
		if r.Message == 0 && r.Channel.Name == line.Channel.Name && r.Content == line.Content {
			return true, nil
		}
	}
	return false, nil
}
