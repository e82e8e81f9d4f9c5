package store_test

import (
	"context"
	"fmt"
	"testing"

	"rollcall/store"
)

// A reply that names somebody who is forgotten does not say whom it answers: in the guild
// in which they are forgotten, or in all of them, and in no other.
func TestRepliesToTheForgotten(t *testing.T) {
	const forgotten, author = store.ID(7), store.ID(8)
	for _, guild := range []store.ID{0, 1} {
		t.Run(fmt.Sprint("forgotten in guild ", guild), func(t *testing.T) {
			db := openTemp(t)
			if _, err := db.Forget(context.Background(), store.Person{User: forgotten, Guild: guild}); err != nil {
				t.Fatal(err)
			}
			var replies []store.Record
			for n, in := range []store.ID{1, 2} {
				r := live(in, author, n, "an answer")
				r.ReplyTo, r.ReplyToUser = store.ID(90+n), forgotten
				replies = append(replies, r)
			}
			mustPut(t, db, store.Batch{Records: replies})
			for _, r := range all(t, db, store.Query{}) {
				hidden := guild == 0 || r.Guild == guild
				if named := r.ReplyTo != 0 || r.ReplyToUser != 0; named == hidden {
					t.Errorf("guild %d: the reply answers message %d of user %d", r.Guild, r.ReplyTo, r.ReplyToUser)
				}
			}
		})
	}
}
