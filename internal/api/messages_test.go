package api_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/api"
	"rollcall/store"
)

// Where little is found in much, a page comes after a while with what was found and
// where to go on; and a caller who has gone is noticed.
func TestPatience(t *testing.T) {
	db := filled(t)
	synctest.Test(t, func(t *testing.T) {
		slow := store.Query{Guild: guildA, Match: func(r *store.Record) bool {
			time.Sleep(time.Second)
			return r.Content == "from the logs" // the oldest of seven
		}}
		var found []store.Record
		var behind *store.Position
		pages := 0
		for more := true; more; more = behind != nil {
			begin := time.Now()
			page, next, err := db.Search(t.Context(), slow, behind, 50, api.Patience)
			if err != nil || time.Since(begin) > 3*time.Second {
				t.Fatalf("a page took %s, %v", time.Since(begin), err)
			}
			found, behind = append(found, page...), next
			pages++
		}
		if len(found) != 1 || pages != 4 {
			t.Errorf("found %d records on %d pages", len(found), pages)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, _, err := db.Search(ctx, slow, nil, 50, api.Patience); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller is gone: %v", err)
		}
	})
}
