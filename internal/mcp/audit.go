package mcp

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rollcall/internal/api"
	"rollcall/store"
)

// How a call ended, for Options.Called.
const (
	ResultOK      = "ok"
	ResultFailed  = "failed"
	ResultLimited = "limited" // there were too many, and it was not tried
)

// Results returns all of them.
func Results() []string { return []string{ResultOK, ResultFailed, ResultLimited} }

// audit is what the log is told of a call: who asked whom about, in ids, and how much was answered. It
// holds no text, as a query or a name is one.
type audit struct {
	began                    time.Time
	as, guild, user, message store.ID // 0: none, or none that was found
	entries                  int      // messages, people, words or servers in the answer
}

type auditKey struct{}

// audited returns a context in which auditOf finds the note of a call that begins.
func (s *Server) audited(ctx context.Context) (context.Context, *audit) {
	a := &audit{began: time.Now(), as: s.as}
	return context.WithValue(ctx, auditKey{}, a), a
}

func auditOf(ctx context.Context) *audit { return ctx.Value(auditKey{}).(*audit) }

func (a *audit) write(log *slog.Logger, tool string, failed bool) {
	line := []any{"tool", tool}
	for _, id := range []struct {
		name string
		id   store.ID
	}{{"as", a.as}, {"guild", a.guild}, {"user", a.user}, {"message", a.message}} {
		if id.id != 0 {
			line = append(line, id.name, id.id)
		}
	}
	log.Info("mcp call", append(line, "entries", a.entries, "seconds", time.Since(a.began).Seconds(), "failed", failed)...)
}

// asked notes whom a call is about, if they are named by an id.
func (a *audit) asked(user string) {
	if id, err := store.ParseID(user); err == nil {
		a.user = id
	}
}

// entriesOf counts what is listed in an answer.
func entriesOf(answer any) int {
	c, ok := answer.(covered)
	if !ok {
		if list, ok := answer.(guildList); ok {
			return len(list.Guilds)
		}
		return 0
	}
	switch a := c.Answer.(type) {
	case messages:
		return len(a.Messages)
	case *[]api.Leader:
		return len(*a)
	case *api.Words:
		return len(a.Words) + len(a.Emojis)
	}
	return 1 // a server or a person
}

// refusals tells the log of calls that were too many, in a line a second.
type refusals struct {
	mu    sync.Mutex
	often rate.Sometimes
	count int
}

func (r *refusals) tell(log *slog.Logger, tool string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	r.often.Interval = time.Second
	r.often.Do(func() {
		log.Warn("mcp calls refused: too many a second", "tool", tool, "count", r.count)
		r.count = 0
	})
}
