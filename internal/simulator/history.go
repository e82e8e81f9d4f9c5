package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const maxPage = 100 // messages or threads

// getMessages answers a page of the history, newest first: without a position the newest messages;
// else those next to the position, and of after thus not the newest.
func (s *Server) getMessages(r *http.Request) (any, *refusal) {
	c, refused := s.channelOf(r)
	if refused != nil {
		return nil, refused
	}
	q := r.URL.Query()
	limit, ok := pageLimit(q, 1)
	if !ok {
		return nil, invalidForm
	}
	var before, after, around ID
	for name, to := range map[string]*ID{"before": &before, "after": &after, "around": &around} {
		if v := q.Get(name); v != "" && to.UnmarshalText([]byte(v)) != nil {
			return nil, invalidForm
		}
	}
	if !c.connectable() {
		return nil, missingAccess
	}
	if !c.holdsMessages() || c.rights() == NoHistory {
		return []any{}, nil
	}
	var page []*message // oldest first
	switch {
	case q.Has("around"):
		at, found := c.search(around)
		page = c.newest(at, limit/2)
		slices.Reverse(page)
		if found && !c.messages[at].deleted {
			page = append(page, c.messages[at])
		}
		page = append(page, c.oldest(around+1, limit-len(page))...)
	case q.Has("after"):
		page = c.oldest(after+1, limit)
	default:
		at := len(c.messages)
		if q.Has("before") {
			at, _ = c.search(before)
		}
		page = c.newest(at, limit)
		slices.Reverse(page)
	}
	slices.Reverse(page)
	return s.renderPage(page), nil
}

// newest returns up to limit messages before the place at, newest first.
func (c *Channel) newest(at, limit int) []*message {
	var page []*message
	for _, m := range slices.Backward(c.messages[:at]) {
		if len(page) == limit {
			break
		}
		if !m.deleted {
			page = append(page, m)
		}
	}
	return page
}

// oldest returns up to limit messages from the id on, oldest first.
func (c *Channel) oldest(from ID, limit int) []*message {
	var page []*message
	at, _ := c.search(from)
	for _, m := range c.messages[at:] {
		if len(page) == limit {
			break
		}
		if !m.deleted {
			page = append(page, m)
		}
	}
	return page
}

func (s *Server) renderPage(page []*message) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, m := range page {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(m.append(nil, s.view(m, 0)))
	}
	b.WriteByte(']')
	return b.Bytes()
}

func (s *Server) getMessage(r *http.Request) (any, *refusal) {
	c, refused := s.channelOf(r)
	if refused != nil {
		return nil, refused
	}
	var id ID
	if id.UnmarshalText([]byte(r.PathValue("message"))) != nil {
		return nil, invalidForm
	}
	m := c.find(id)
	switch {
	case c.rights() == NoHistory || !c.connectable():
		return nil, missingAccess
	case m == nil:
		return nil, unknownMessage
	}
	return json.RawMessage(m.append(nil, s.view(m, 0))), nil
}

// pageLimit reads limit, which is 50 unless given.
func pageLimit(q url.Values, least int) (n int, ok bool) {
	if !q.Has("limit") {
		return 50, true
	}
	n, err := strconv.Atoi(q.Get("limit"))
	return n, err == nil && n >= least && n <= maxPage
}

// archivedThreads answers pages of a channel's archived threads: those archived last come first and
// before is an instant; of the private ones that the bot has joined, the newest come first and
// before is an id. To list all private ones takes ManageThreads.
func (s *Server) archivedThreads(kind Kind, joined bool) endpoint {
	return func(r *http.Request) (any, *refusal) {
		c, refused := s.channelOf(r)
		if refused != nil {
			return nil, refused
		}
		if c.guild == nil || c.rights() == NoHistory || kind == PrivateThread && !joined && !c.managesThreads() {
			return nil, missingAccess
		}
		q := r.URL.Query()
		limit, ok := pageLimit(q, 2)
		if !ok {
			return nil, invalidForm
		}
		before, ok := threadsBefore(q.Get("before"), joined)
		if !ok {
			return nil, invalidForm
		}
		var found []*Channel
		for _, t := range c.guild.channels {
			if t.parent == c && t.Kind == kind && t.archived && (t.joined || !joined) && before(t) {
				found = append(found, t)
			}
		}
		slices.SortFunc(found, func(a, b *Channel) int {
			if joined {
				return cmp.Compare(b.ID, a.ID)
			}
			return b.archivedAt.Compare(a.archivedAt)
		})
		more := len(found) > limit
		p := threadPage{Threads: []channelPayload{}, Members: []*threadMember{}, HasMore: &more}
		for _, t := range found[:min(limit, len(found))] {
			p.add(t)
		}
		return p, nil
	}
}

// threadsBefore reads the parameter before.
func threadsBefore(v string, byID bool) (before func(*Channel) bool, ok bool) {
	if v == "" {
		return func(*Channel) bool { return true }, true
	}
	if byID {
		var id ID
		err := id.UnmarshalText([]byte(v))
		return func(t *Channel) bool { return t.ID < id }, err == nil
	}
	at, err := time.Parse(time.RFC3339, v)
	return func(t *Channel) bool { return t.archivedAt.Before(at) }, err == nil
}
