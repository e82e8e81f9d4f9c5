package tracker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"rollcall/store"
)

// pageLen is how many messages or threads are asked for at a time, the most that Discord gives.
const pageLen = 100

// page is a page of a channel's history.
type page struct {
	messages   []message // those that can be read, oldest first; GuildID is 0
	unreadable int
	last       store.ID   // the youngest id, unreadable messages' included; 0 if there is none
	ids        []store.ID // of all messages whose id can be read, oldest first
	bad        []store.ID // those of them that cannot be read
	nameless   int        // messages whose id cannot be read
	oversized  int        // messages that are too large, of which the id alone is known
	asked      int        // how many messages were asked for
}

func (p page) empty() bool { return len(p.messages) == 0 && p.unreadable == 0 && p.oversized == 0 }

// unreadableAfter returns how many of the messages that cannot be read are younger than one, as far
// as their ids tell.
func (p page) unreadableAfter(id store.ID) (n int) {
	for _, bad := range p.bad {
		if bad > id {
			n++
		}
	}
	if p.last > id {
		n += p.nameless + p.oversized
	}
	return n
}

// short reports whether the page has so few messages that it is, most likely, the last one:
// a server may give fewer than it is asked for.
func (p page) short() bool { return p.oversized == 0 && len(p.ids)+p.nameless < p.asked/2 }

// decodePage reads a page of messages in any order. A message that cannot be read
// is counted and left out; the others stand.
func decodePage(raw []byte) (page, error) {
	list, err := decodeList(raw)
	if err != nil {
		return page{}, fmt.Errorf("decode history page: %w", err)
	}
	p := page{messages: make([]message, 0, len(list))}
	for _, raw := range list {
		m, err := decodeMessage(raw)
		if err == nil {
			p.messages = append(p.messages, m)
			p.ids = append(p.ids, m.ID)
			continue
		}
		p.unreadable++
		var w struct {
			ID looseID `json:"id"`
		}
		if json.Unmarshal(raw, &w) == nil && w.ID != 0 && w.ID <= math.MaxInt64 {
			p.ids = append(p.ids, store.ID(w.ID))
			p.bad = append(p.bad, store.ID(w.ID))
		} else {
			p.nameless++
		}
	}
	slices.Sort(p.ids)
	if len(p.ids) > 0 {
		p.last = p.ids[len(p.ids)-1]
	}
	slices.SortFunc(p.messages, func(a, b message) int { return cmp.Compare(a.ID, b.ID) })
	return p, nil
}

func decodeList(raw []byte) ([]json.RawMessage, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) {
		return nil, errors.New("not a list")
	}
	var list []json.RawMessage
	err := json.Unmarshal(raw, &list)
	return list, err
}

// archivedPage is a page of a channel's archived threads.
type archivedPage struct {
	threads []channel // those that can be read
	// oldest and lowest are where the next page begins, by the moment of archiving
	// or by id: those of the thread that was archived first, and of the lowest id.
	oldest store.Micros
	lowest store.ID
	more   bool
}

// decodeArchived reads a page of archived threads. A thread that cannot be read is left out.
func decodeArchived(raw []byte) (archivedPage, error) {
	var w struct {
		Threads []json.RawMessage `json:"threads"`
		HasMore bool              `json:"has_more"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return archivedPage{}, fmt.Errorf("decode archived threads: %w", err)
	}
	p := archivedPage{threads: make([]channel, 0, len(w.Threads)), more: w.HasMore}
	for _, raw := range w.Threads {
		c, err := decodeChannel(raw)
		if err != nil {
			continue
		}
		p.threads = append(p.threads, c)
		if p.lowest == 0 || c.ID < p.lowest {
			p.lowest = c.ID
		}
		var w struct {
			Metadata struct {
				At text `json:"archive_timestamp"`
			} `json:"thread_metadata"`
		}
		if json.Unmarshal(raw, &w) != nil {
			continue
		}
		if at, err := store.ParseMicros(string(w.Metadata.At)); err == nil && (p.oldest == 0 || at < p.oldest) {
			p.oldest = at
		}
	}
	return p, nil
}
