package store_test

import (
	"context"
	"fmt"
	"testing"

	"rollcall/store"
)

// Of bots and webhooks no line is a record, whether it came before it was known what they
// are or comes after, and whatever is interrupted; of everybody else all are.
func TestAccounts(t *testing.T) {
	ctx := context.Background()
	path := t.TempDir() + "/rollcall.db"
	db := openWith(t, path, store.Options{})
	const bot, person = 7, 2
	var early, late []store.Record
	for i := range 700 { // more than one step
		for guild := range store.ID(3) {
			early = append(early, logged(guild+1, bot, i, "general", fmt.Sprint("beep ", i)))
		}
		late = append(late, logged(1, bot, 1000+i, "general", fmt.Sprint("boop ", i)))
	}
	early = append(early, logged(1, person, 5, "general", "a person"))
	mustImport(t, db, early...)
	kept := live(2, bot, 5000, "what Discord itself gave for a message")
	mustPut(t, db, store.Batch{Records: []store.Record{kept}, Accounts: []store.ID{bot, store.DeletedUser}})
	mustPut(t, db, store.Batch{Accounts: []store.ID{bot}})
	done := mustImport(t, db, append(late, early...)...)
	if done.Messages != 0 || done.Skipped != 700*4 || done.Duplicates != 1 {
		t.Errorf("of the lines %+v", done)
	}
	tasks, err := db.Tasks(ctx)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("there are the tasks %v, %v, want one", tasks, err)
	}
	steps, erased := 0, int64(0)
	for finished := false; !finished; steps++ {
		part, done, err := db.Step(ctx, tasks[0])
		if err != nil {
			t.Fatal(err)
		}
		erased, finished = erased+part.Messages, done
		mustBeSound(t, db)
		if steps == 1 {
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openWith(t, path, store.Options{})
		}
	}
	if erased != 700*3 || steps < 4 {
		t.Errorf("%d lines went in %d steps, want %d", erased, steps, 700*3)
	}
	mustImport(t, db, logged(3, store.DeletedUser, 9, "general", "nobody's"))
	var have []string
	for _, r := range all(t, db, store.Query{}) {
		have = append(have, fmt.Sprint(r.Guild, " ", r.User, " ", r.Content))
	}
	equal(t, "what is left", have, []string{"1 2 a person", "2 7 what Discord itself gave for a message", "3 456226577798135808 nobody's"})
	mustBeSound(t, db)
}
