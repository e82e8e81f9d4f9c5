package tracker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"rollcall/store"
)

// queueLen bounds the messages between the gateway and the store. At a thousand
// a second it holds four seconds of a disk that hangs; after that the gateway waits.
const queueLen = 4096

var errClosed = errors.New("the writer has stopped")

// element is one entry of the queue: a message or, if event is set, something
// that the planner must see in its place between two messages.
type element struct {
	item  item
	event event
}

// queue is what waits for the writer. Messages are bounded by queueLen and wait
// for room; events are not, because they come once a session or guild and because
// whoever reports them must not wait, yet they keep their place in the order.
type queue struct {
	mu       sync.Mutex
	elements []element
	since    time.Time     // when the first of elements came
	room     chan struct{} // closed, and replaced, when elements are taken
	closed   bool

	some chan struct{} // holds a token while anything waits
	many chan struct{} // holds a token while a full batch waits
}

func newQueue() *queue {
	return &queue{room: make(chan struct{}), some: make(chan struct{}, 1), many: make(chan struct{}, 1)}
}

// add waits for room and appends a message. Once ctx is done it appends nothing, even
// if there is room: who has given up one message must not move the cursor
// past it with the next one.
func (q *queue) add(ctx context.Context, it item) error { return q.wait(ctx, element{item: it}) }

// insert is add of an event that may come often: it waits for room as a message does.
func (q *queue) insert(ctx context.Context, e event) error { return q.wait(ctx, element{event: e}) }

func (q *queue) wait(ctx context.Context, e element) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return errClosed
		}
		if len(q.elements) < queueLen {
			q.append(e)
			q.mu.Unlock()
			return nil
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-room:
		}
	}
}

// post appends an event at once. A snapshot replaces an earlier one of its guild that
// still waits: the messages between the two then keep their cursor to themselves
// (see snapshotReplaced), so the later one finds the whole gap, and reconnecting for
// days on a full disk cannot pile snapshots up.
func (q *queue) post(e event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return // the next session finds the same gap
	}
	if seen, ok := e.(guildSeen); ok {
		q.replaceSnapshot(seen.snapshot.Guild)
	}
	q.append(element{event: e})
	give(q.many) // baselines and gaps stand at once
}

// replaceSnapshot needs q.mu. The first snapshot of a guild that is replaced leaves a
// mark, further ones leave nothing.
func (q *queue) replaceSnapshot(guild store.ID) {
	marked := false
	q.elements = slices.DeleteFunc(q.elements, func(e element) bool {
		mark, ok := e.event.(snapshotReplaced)
		marked = marked || ok && mark.guild == guild
		seen, ok := e.event.(guildSeen)
		return ok && seen.snapshot.Guild == guild && marked
	})
	for i, e := range q.elements {
		if seen, ok := e.event.(guildSeen); ok && seen.snapshot.Guild == guild {
			q.elements[i].event = snapshotReplaced{guild, seen.at}
		}
	}
}

// append needs q.mu.
func (q *queue) append(e element) {
	if len(q.elements) == 0 {
		q.since = time.Now()
	}
	q.elements = append(q.elements, e)
	give(q.some)
	if len(q.elements) >= batchLen {
		give(q.many)
	}
}

// take empties the queue into the place of old, whose room it reuses. If nothing
// waits and last is set, it closes the queue in the same breath, so that whatever
// was added is either taken or refused.
func (q *queue) take(old []element, last bool) []element {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = last && len(q.elements) == 0
	clear(old)
	taken := q.elements
	q.elements = old[:0]
	for _, tokens := range []chan struct{}{q.some, q.many} {
		select {
		case <-tokens:
		default:
		}
	}
	close(q.room)
	q.room = make(chan struct{})
	return taken
}

// len returns how many entries wait, and since when the first of them does.
func (q *queue) len() (int, time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.elements), q.since
}

// give leaves a token for whoever waits, if there is none yet.
func give(tokens chan struct{}) {
	select {
	case tokens <- struct{}{}:
	default:
	}
}
