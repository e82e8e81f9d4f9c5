package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"rollcall/internal/api"
	"rollcall/internal/visible"
	"rollcall/store"
)

const (
	liveTime  = time.Second      // how often it is looked for new messages, once for all who watch
	quietTime = 15 * time.Second // after which a stream says that it is still there
	liveWrite = 10 * time.Second // to take in a piece
	maxLive   = 200              // streams at a time
)

// live knows the newest messages of the servers that somebody watches.
type live struct {
	mu      sync.Mutex
	streams int
	guilds  map[string]*latest
}

// latest are the newest messages of a server, as of some moment.
type latest struct {
	mu      sync.Mutex
	at      time.Time
	records []api.Record
}

// watch counts a stream, and returns what knows the newest messages; ok is false if there are too many.
func (l *live) watch(guild string) (newest *latest, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams >= maxLive {
		return nil, false
	}
	l.streams++
	if l.guilds == nil {
		l.guilds = map[string]*latest{}
	}
	if l.guilds[guild] == nil {
		l.guilds[guild] = &latest{}
	}
	return l.guilds[guild], true
}

func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams--; l.streams == 0 {
		l.guilds = nil
	}
}

// event is a message as the page's script takes it.
type event struct {
	Time    string `json:"time"`
	User    string `json:"user"`
	Name    string `json:"name"`
	Channel string `json:"channel"`
	Text    string `json:"text"`
}

// getLive sends the messages of a server as they arrive.
func (s *Server) getLive(w http.ResponseWriter, r *http.Request) error {
	guild, _, err := s.guildName(r)
	if err != nil {
		return err
	}
	newest, ok := s.live.watch(guild)
	if !ok {
		w.Header().Set("Retry-After", "60")
		return &api.Problem{Title: "Too many viewers", Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("%d pages are updated live already", maxLive)}
	}
	defer s.live.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set(gzhttp.HeaderNoCompression, "each event is sent at once")
	control := http.NewResponseController(w)
	send := func(text string) error {
		control.SetWriteDeadline(time.Now().Add(liveWrite))
		if _, err := fmt.Fprint(w, text); err != nil {
			return err
		}
		return control.Flush()
	}
	seen := map[store.ID]bool{}
	records, err := s.latest(r, newest, guild)
	if err != nil {
		return err
	}
	for _, record := range records {
		seen[record.MessageID] = true
	}
	if send("retry: 5000\n\n") != nil {
		return nil // the browser is gone
	}
	ticks := time.NewTicker(liveTime)
	defer ticks.Stop()
	quiet := time.Now()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-ticks.C:
		}
		if s.door.visitor(r) == "" { // signed out meanwhile
			return nil
		}
		if records, err = s.latest(r, newest, guild); err != nil {
			return nil // the browser comes back
		}
		text, now := "", map[store.ID]bool{}
		for i := len(records) - 1; i >= 0; i-- {
			record := records[i]
			now[record.MessageID] = true
			if record.MessageID == 0 || seen[record.MessageID] {
				continue
			}
			line := lineOf(api.Match{Record: record}, nil)
			data, err := json.Marshal(event{line.Time.String(), line.User.String(), line.UserName, line.Channel, visible.Text(record.Content)})
			if err != nil {
				return err
			}
			text += "data: " + string(data) + "\n\n"
		}
		seen = now
		if text == "" {
			if time.Since(quiet) < quietTime {
				continue
			}
			text = ":\n\n"
		}
		quiet = time.Now()
		if send(text) != nil {
			return nil
		}
	}
}

// latest returns the newest messages, asked for at most once in liveTime.
func (s *Server) latest(r *http.Request, l *latest, guild string) ([]api.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < liveTime*9/10 {
		return l.records, nil
	}
	var records []api.Record
	if _, err := s.get(r, api.GuildPath(guild, "messages"), url.Values{"limit": {"50"}, "names": {"true"}}, &records); err != nil {
		return nil, err
	}
	l.records, l.at = records, time.Now()
	return records, nil
}
