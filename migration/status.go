package migration

import (
	"context"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/store"
)

const (
	// A survey is made every surveyEvery, or less often where it takes long: it
	// shall not take more than a surveyShare-th of the time.
	surveyEvery = 10 * time.Second
	surveyShare = 20
)

// Status is how far a Follower has come.
type Status struct {
	CaughtUp bool `json:"caught_up"`        // the past is read, and the logs are followed as they grow
	Waiting  bool `json:"waiting_for_room"` // the last attempt to commit found too little room on the disk
	// Counts are of the lines since the start; a line that was read before its end was
	// written may be among them twice.
	Counts store.Counts `json:"counts"`
	// Guilds are what the last survey of the logs found, in the order in which they are read.
	Guilds   []GuildStatus `json:"guilds"`
	Surveyed store.Micros  `json:"surveyed_at,omitzero"` // when that was; 0: not yet
	// Ends is when the past will be read, as the last survey estimates it; 0: it is read, or
	// that cannot be told, because nothing has been read yet or the disk has no room.
	Ends store.Micros `json:"ends_at,omitzero"`
}

// GuildStatus is how far the logs of a guild have been read.
type GuildStatus struct {
	Guild  store.ID `json:"guild_id,omitzero"` // 0: it is not known which one, or emergency
	Folder string   `json:"folder"`            // below the root; one of them if there are several
	// Files that are there, and those of them that have nothing more to read; Damaged
	// ones, which are read up to the damage, are among these.
	Files     int `json:"files"`
	FilesRead int `json:"files_read"`
	Damaged   int `json:"damaged_files"`
	// Bytes of these files on the disk. A compressed one counts as read when it is read
	// to its end.
	Bytes     int64  `json:"bytes"`
	BytesRead int64  `json:"bytes_read"`
	LastDate  string `json:"last_date,omitempty"` // the last YYYYMMDD read to its end
	// Behind is the oldest day before today (YYYYMMDD, UTC) with something to read.
	Behind string `json:"oldest_unread_day,omitempty"`
}

// Lag is how long ago the oldest day ended that is not read to its end, 0 if there
// is none.
func (g GuildStatus) Lag(now time.Time) time.Duration {
	day, err := time.Parse(dateLayout, g.Behind)
	if err != nil {
		return 0
	}
	return max(0, now.Sub(day.AddDate(0, 0, 1)))
}

// progress is what Status tells; the other goroutines read it.
type progress struct {
	caughtUp atomic.Bool

	mu       sync.Mutex
	counts   store.Counts
	guilds   []GuildStatus // not changed once it is here
	surveyed store.Micros
	ends     store.Micros
}

// add counts what a writer has done.
func (p *progress) add(before, after Summary) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Add(store.Counts{
		Lines: after.Lines - before.Lines, Messages: after.Messages - before.Messages, Skipped: after.Skipped - before.Skipped,
		Duplicates: after.Duplicates - before.Duplicates, Malformed: after.Malformed - before.Malformed,
	})
}

// Status returns the state of this moment. It may be called at any time, from any goroutine.
func (f *Follower) Status() Status {
	p := &f.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{
		CaughtUp: p.caughtUp.Load(), Waiting: f.waiting.Load(), Counts: p.counts, Guilds: append([]GuildStatus{}, p.guilds...), Surveyed: p.surveyed,
	}
	if !s.CaughtUp && !s.Waiting {
		s.Ends = p.ends
	}
	return s
}

// survey looks at all files there are, without reading them.
func (f *Follower) survey(ctx context.Context) error {
	start := time.Now()
	guilds, left, err := f.lookAround(ctx)
	if err != nil {
		return err
	}
	f.progress.mu.Lock()
	f.progress.guilds, f.progress.surveyed = guilds, store.MicrosOf(start)
	f.progress.ends = f.pace.end(time.Now(), left, f.DayDelay)
	f.progress.mu.Unlock()
	f.nextSurvey = time.Now().Add(min(max(surveyEvery, surveyShare*time.Since(start)), passMost))
	return nil
}

// lookAround makes a walk of its own, since a walk shows each file once. What is wrong
// with the files is for the passes to say: the error is ctx's, or one of the store.
func (f *Follower) lookAround(ctx context.Context) (list []GuildStatus, left backlog, err error) {
	w, err := begin(f.Root, f.Guild, &reporter{log: slog.New(slog.DiscardHandler), known: map[string]string{}})
	if err != nil {
		return nil, left, nil
	}
	guilds, err := w.guilds()
	if err != nil {
		return nil, left, nil
	}
	dates, err := lastDates(ctx, f.Store)
	if err != nil {
		return nil, left, err
	}
	list = make([]GuildStatus, 0, len(guilds))
	for g, days := range w.all(guilds) {
		s := GuildStatus{Guild: g.id, Folder: g.name(), LastDate: dates[g.id]}
		unreadDays := 0
		for _, d := range days {
			files, _ := w.files(g, d)
			before := s.Files - s.FilesRead
			for _, file := range files {
				j, todo, whole, err := f.job(ctx, file)
				if err != nil {
					return nil, left, err
				}
				s.add(j, todo, whole)
			}
			if s.Files-s.FilesRead > before {
				unreadDays++
			}
		}
		left.bytes += s.Bytes - s.BytesRead
		left.rests += max(0, unreadDays-1)
		if s.Files > 0 || !g.nested {
			list = append(list, s)
		}
	}
	return list, left, nil
}

// add counts a file, see migration.job.
func (s *GuildStatus) add(j job, todo, whole bool) {
	s.Files++
	s.Bytes += j.size
	if !todo {
		s.FilesRead++
		s.BytesRead += j.size
		if j.past && !whole {
			s.Damaged++
		}
		return
	}
	if j.path == j.key { // not compressed
		s.BytesRead += min(j.size, j.cursor.Offset)
	}
	if j.past && isDate(j.date) && (s.Behind == "" || j.date < s.Behind) {
		s.Behind = j.date
	}
}

func lastDates(ctx context.Context, db *store.DB) (map[store.ID]string, error) {
	list, err := db.LastDates(ctx)
	dates := make(map[store.ID]string, len(list))
	for _, d := range list {
		dates[d.Guild] = d.Date
	}
	return dates, err
}

// Known returns what a database says of the logs that were read into it, by folder, for
// when nobody follows them: files that were never opened are not among it, sizes are as
// they were last seen, and Behind and Damaged are not known.
func Known(ctx context.Context, db *store.DB) ([]GuildStatus, error) {
	files, err := db.LogFiles(ctx)
	if err != nil {
		return nil, err
	}
	dates, err := lastDates(ctx, db)
	if err != nil {
		return nil, err
	}
	list := []GuildStatus{} // as the files are by key
	at := map[string]int{}
	for _, file := range files {
		folder := folderOf(file.Key)
		i, ok := at[folder]
		if !ok {
			id, _ := store.ParseID(folder)
			i, at[folder] = len(list), len(list)
			list = append(list, GuildStatus{Guild: id, Folder: folder, LastDate: dates[id]})
		}
		s := &list[i]
		s.Files++
		s.Bytes += file.Size
		if file.Complete {
			s.FilesRead++
			s.BytesRead += file.Size
			continue
		}
		if file.Path == file.Key {
			s.BytesRead += min(file.Size, file.Offset)
		}
	}
	return list, nil
}

// folderOf returns the folder of the guild whose file this is.
func folderOf(key string) string {
	folder := path.Dir(key)
	if p := placeOf(key); p.content == messageLog && !p.isSplit {
		folder = path.Dir(folder) // the day's is below it
	}
	return folder
}
