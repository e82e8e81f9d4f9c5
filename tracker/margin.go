package tracker

import (
	"context"
	"time"

	"rollcall/store"
)

// Ids are in the order in which Discord began to handle messages, not in that in
// which it tells of them or shows them in a channel's history: of two posts at once,
// the one with the higher id may come first. ADR 3 argues for the two spans below.
const (
	// orderMargin is how far below a cursor there may be messages that we have not got:
	// who reads on behind a cursor begins so long before it.
	orderMargin = 10 * time.Second
	// subscribeTime is how long after a guild was told of a page must be asked for to show
	// what its session was not told of: by then the session hears of every message, and
	// what came before is in the history.
	subscribeTime = 5 * time.Second
)

// idAfter and idBefore are the smallest ids that Discord can have made so long after, or
// before, another one.
func idAfter(id store.ID, d time.Duration) store.ID {
	return snowflakeAt(snowflakeTime(id) + store.Micros(d/time.Microsecond))
}

func idBefore(id store.ID, d time.Duration) store.ID { return idAfter(id, -d) }

// overlapping returns where to begin to read on behind a message of a channel: before it,
// and not before the channel, or its guild, was met.
func overlapping(ctx context.Context, db *store.DB, guild, channel, after store.ID) (store.ID, error) {
	if after == 0 {
		return 0, nil
	}
	floor, err := db.Floor(ctx, guild, channel)
	if err != nil {
		return 0, err
	}
	return min(max(idBefore(after, orderMargin), floor), after), nil
}
