package mcp

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	answers "rollcall/internal/coverage"
	"rollcall/store"
)

// coverage is what an answer rests on.
type coverage struct {
	From       *store.Micros `json:"from"` // the first stored message, null if there is none
	To         *store.Micros `json:"to"`   // the last one
	OpenGaps   int           `json:"open_gaps"`
	Hidden     int           `json:"hidden_channels"` // that cannot be read now
	NotIndexed int           `json:"not_indexed"`     // messages that a search does not look at: none
	Redacted   int           `json:"redacted"`        // messages of this answer whose texts are not kept
}

// coverageTime is how long what is known of a guild's coverage is used: it changes slowly, and is asked for
// by every call.
const coverageTime = 10 * time.Second

// coverageCache knows it of the guilds that were asked about of late.
type coverageCache struct {
	mu     sync.Mutex
	guilds map[store.ID]datedCoverage
}

type datedCoverage struct {
	coverage
	at time.Time
}

const maxCovered = 256 // guilds in the cache

// coverage says what is stored of the channels of a guild that may be seen.
func (s *Server) coverage(ctx context.Context, guild store.ID) (coverage, error) {
	c := &s.covered
	c.mu.Lock()
	known, ok := c.guilds[guild]
	c.mu.Unlock()
	if ok && time.Since(known.at) < coverageTime {
		return known.coverage, nil
	}
	q := url.Values{"guild": {guild.String()}}
	if s.as != 0 {
		q.Set("as", s.as.String())
	}
	var channels []answers.Channel
	if _, err := s.get(ctx, "/v1/coverage", q, &channels); err != nil {
		return coverage{}, err
	}
	var cover coverage
	for _, channel := range channels {
		if len(s.channels) > 0 && (channel.ID == nil || !slices.Contains(s.channels, *channel.ID)) {
			continue
		}
		if channel.From != nil && (cover.From == nil || *channel.From < *cover.From) {
			cover.From = channel.From
		}
		if channel.To != nil && (cover.To == nil || *channel.To > *cover.To) {
			cover.To = channel.To
		}
		for _, gap := range channel.Gaps {
			if gap.State != store.GapFilled {
				cover.OpenGaps++
			}
		}
		if channel.Readable != nil && !*channel.Readable {
			cover.Hidden++
		}
	}
	if s.as != 0 { // a permission that has changed counts from the next call on
		return cover, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guilds == nil || len(c.guilds) >= maxCovered {
		c.guilds = map[store.ID]datedCoverage{}
	}
	c.guilds[guild] = datedCoverage{cover, time.Now()}
	return cover, nil
}

// parseMessage reads a message's id or its link.
func parseMessage(text string) (answers.Message, error) {
	m, err := answers.ParseMessage(text)
	if err != nil {
		return m, refuse("message cannot be %.100q: %v", text, err)
	}
	if m.Direct {
		return m, refuse("message cannot be %.100q: direct messages are not remembered", text)
	}
	return m, nil
}
