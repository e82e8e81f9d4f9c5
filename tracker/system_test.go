package tracker

import (
	"testing"

	"rollcall/internal/simulator"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// The other bot logs joins, boosts and pins, bots and webhooks as it logs what people write. Whether we hear
// of them or read them in the history, before their lines come or after, none is a record.
func TestSystemMessagesTakeTheirLines(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	line := func(m simulator.Message) {
		t.Helper()
		if _, err := storetest.Import(w.ctx, w.db, store.LogBatch{Records: []store.Record{{
			Guild: store.ID(w.guild.ID), User: store.ID(m.Author), Time: snowflakeTime(store.ID(m.ID)) + 300e3,
			Channel: store.Channel{Name: "other"}, Content: m.Content, Source: store.SourceLog,
		}}}); err != nil {
			t.Fatal(err)
		}
	}
	types := []simulator.Draft{
		{Author: w.ada, Type: simulator.TypeJoin}, {Author: w.ada, Type: simulator.TypeBoost, Content: "3"}, {Author: w.ada, Type: simulator.TypePin},
	}
	robot := w.sim.AddUser(simulator.UserSpec{Name: "Robot", Bot: true})
	types = append(types, simulator.Draft{Author: robot, Content: "beep"}, simulator.Draft{Webhook: "news", Content: "today"})
	var missed, heard []simulator.Message
	for _, d := range types {
		missed = append(missed, w.post(w.other, d))
	}
	line(missed[0])
	line(missed[1])
	line(missed[3])
	line(missed[4])
	w.again(w.options())
	w.filled()
	tasks, err := w.db.Tasks(w.ctx)
	if err != nil || len(tasks) != 2 {
		t.Fatalf("there are the tasks %v, %v, want one for the bot and one for the webhook", tasks, err)
	}
	for _, task := range tasks { // as the sweeper does
		if _, _, err := w.db.Step(w.ctx, task); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range types {
		heard = append(heard, w.post(w.other, d))
	}
	w.say(w.ada, "one that counts", w.other)
	w.complete(w.since)
	for range 2 {
		for _, m := range append(heard, missed...) {
			line(m)
		}
		for _, rec := range w.stored() {
			if rec.Source == store.SourceLog {
				t.Errorf("a line became a record: %+v", rec)
			}
		}
	}
}
