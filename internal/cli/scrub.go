package cli

import (
	"context"
	"fmt"

	"rollcall/internal/api"
	"rollcall/internal/backup"
	"rollcall/internal/cli/terminal"
	"rollcall/migration"
	"rollcall/store"
)

// forgetting is what forget prints as JSON.
type forgetting struct {
	api.Erased
	// Logs are the files below ROLLCALL_LOGS that hold, or held, lines of the person.
	Logs []migration.Scrubbed `json:"logs"`
	// Unsearched are those that nobody looked into; left out if there are none.
	Unsearched *migration.Unsearched `json:"unsearched,omitempty"`
	// Backups are those in ROLLCALL_BACKUP_DIR.
	Backups []scrubbedBackup `json:"backups"`
}

// scrubbedBackup is a backup of before a person was forgotten.
type scrubbedBackup struct {
	Path     string `json:"path"`
	Scrubbed bool   `json:"scrubbed"` // the person is forgotten in it
	Note     string `json:"note,omitempty"`
}

// scrubLogs looks through the logs in a folder, if there is one.
func (f *forgetting) scrubLogs(ctx context.Context, folder string, p store.Person, rewrite bool) error {
	f.Logs = []migration.Scrubbed{}
	if folder == "" {
		return nil
	}
	files, unsearched, err := migration.Scrub(ctx, migration.ScrubOptions{Root: folder, Person: p, Rewrite: rewrite})
	if err != nil {
		return fmt.Errorf("forgotten, but the logs could not be looked through: %w", err)
	}
	f.Logs = append(f.Logs, files...)
	if unsearched.TextLogs+unsearched.Others > 0 {
		f.Unsearched = &unsearched
	}
	return nil
}

// scrubBackups lists the backups in a folder, if there is one, and forgets the person in
// them if that is asked for.
func scrubBackups(ctx context.Context, folder string, key store.Key, p store.Person, rewrite bool) (list []scrubbedBackup, err error) {
	list = []scrubbedBackup{}
	if folder == "" {
		return list, nil
	}
	paths, err := backup.All(folder)
	if err == nil && rewrite {
		err = backup.RemoveScrubs(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("forgotten, but the backups could not be looked at: %w", err)
	}
	for _, path := range paths {
		b := scrubbedBackup{Path: path}
		if rewrite {
			if _, err := backup.Scrub(ctx, path, key, p); err != nil {
				b.Note = err.Error()
			} else {
				b.Scrubbed = true
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		list = append(list, b)
	}
	return list, nil
}

// left is an error if something of what was to be scrubbed was not.
func (f forgetting) left(flags forgetFlags) error {
	logs, backups := 0, 0
	for _, l := range f.Logs {
		if flags.scrubLogs && (!l.Scrubbed || l.Left > 0) {
			logs++
		}
	}
	for _, b := range f.Backups {
		if flags.scrubBackups && !b.Scrubbed {
			backups++
		}
	}
	if logs+backups == 0 {
		return nil
	}
	return fmt.Errorf("forgotten, but %d logs and %d backups were not scrubbed: the list says why", logs, backups)
}

func (a *app) printForgetting(f forgetting, where beyond, flags forgetFlags) error {
	guild := ""
	if f.Guild != 0 {
		guild = fmt.Sprintf(" --guild %s", f.Guild)
	}
	if err := a.say("Forgotten: %d messages, %d answers to them, %d names. Nothing of theirs is recorded until: rollcall remember %s%s",
		f.Messages, f.Replies, f.Names, f.User, guild); err != nil {
		return err
	}
	if !flags.compact { // which comes next
		if err := a.say("Free pages of the file keep the old bytes until: rollcall compact"); err != nil {
			return err
		}
	}
	if err := a.printLogs(f.Logs, flags.scrubLogs); err != nil {
		return err
	}
	if u := f.Unsearched; u != nil {
		if _, err := fmt.Fprintf(a.stdout, "\nNot searched: %d text logs of old releases, which have names and no ids; %d other files. The first of them:\n", u.TextLogs, u.Others); err != nil {
			return err
		}
		for _, path := range u.First {
			if _, err := fmt.Fprintf(a.stdout, "  %s\n", terminal.Visible(path)); err != nil {
				return err
			}
		}
	}
	backups := a.table("backup", "", "")
	backups.layout(tails(1, 16), keeps(0), wraps(0, 12))
	for _, b := range f.Backups {
		backups.AppendRow(cells{terminal.Visible(b.Path), done(b.Scrubbed, "forgotten"), terminal.Visible(b.Note)})
	}
	if err := a.printLeft("Backups of before (--scrub-backups forgets them there):", backups, len(f.Backups)); err != nil {
		return err
	}
	for _, line := range where.unseen {
		if err := a.say("%s", line); err != nil {
			return err
		}
	}
	return nil
}

// printLogs sums the logs up, and lists those in which something of theirs is left although
// it was to go.
func (a *app) printLogs(logs []migration.Scrubbed, scrub bool) error {
	if len(logs) == 0 {
		return nil
	}
	t := a.table("file", "lines", "why")
	t.layout(tails(1, 16), keeps(0), wraps(0, 12))
	alignRight(t, 2)
	var lines, gone int64
	files, left := 0, 0
	for _, l := range logs {
		lines += int64(l.Lines)
		if l.Scrubbed {
			gone += int64(l.Lines)
			files++
		}
		if scrub && (!l.Scrubbed || l.Left > 0 || l.Note != "") {
			t.AppendRow(cells{terminal.Visible(l.Path), l.Lines, terminal.Visible(l.Note)})
			left++
		}
	}
	if !scrub {
		return a.say("Logs: %s of theirs in %s; --scrub-logs takes them out.", amount(lines, "line"), amount(int64(len(logs)), "file"))
	}
	if err := a.say("Logs: %s of theirs taken out of %s.", amount(gone, "line"), amount(int64(files), "file")); err != nil {
		return err
	}
	return a.printLeft("Files in which something is left:", t, left)
}

// amount is a number with its noun.
func amount(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func done(is bool, what string) string {
	if is {
		return what
	}
	return ""
}

// printLeft prints a list under its title, nothing if it is empty.
func (a *app) printLeft(title string, t *table, rows int) error {
	if rows == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(a.stdout, "\n%s\n\n", a.prose(title)); err != nil {
		return err
	}
	return a.print(t, rows, "")
}
