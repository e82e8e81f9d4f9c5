package tracker

import (
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// What the operator does not want to be kept is not, whether it is heard or fetched,
// and each message counts once all the same.
func TestKeepsWhatIsWanted(t *testing.T) {
	t.Parallel()
	type case_ struct {
		options func(ada, bob store.ID) rules.Options
		want    func(ada, bob store.Record) []store.Record
	}
	redacted := func(r store.Record) store.Record {
		r.Content, r.Redacted = "", true
		return r
	}
	together(t, map[string]case_{
		"all": {
			func(ada, bob store.ID) rules.Options { return rules.Options{} },
			func(ada, bob store.Record) []store.Record { return []store.Record{ada, bob} },
		},
		"one has opted out": {
			func(ada, bob store.ID) rules.Options { return rules.Options{OptOut: []store.ID{ada}} },
			func(ada, bob store.Record) []store.Record {
				bob.ReplyTo, bob.ReplyToUser = 0, 0
				return []store.Record{bob}
			},
		},
		"counts alone": {
			func(ada, bob store.ID) rules.Options { return rules.Options{DropContent: true} },
			func(ada, bob store.Record) []store.Record { return []store.Record{redacted(ada), redacted(bob)} },
		},
		"nothing for long": {
			func(ada, bob store.ID) rules.Options { return rules.Options{Retention: time.Microsecond} },
			func(ada, bob store.Record) []store.Record { return []store.Record{redacted(ada), redacted(bob)} },
		},
	}, func(t *testing.T, c case_) {
		for source, fetched := range map[string]bool{"live": false, "history": true} {
			t.Run(source, func(t *testing.T) {
				w := newTown(t, simulator.Options{}, nil)
				bob := w.sim.AddUser(simulator.UserSpec{Name: "Bob"})
				o := w.options()
				o.Rules = w.rules(c.options(store.ID(w.ada.ID), store.ID(bob.ID)))
				if !fetched {
					w.again(o)
				}
				first := w.post(w.general, simulator.Draft{Author: w.ada, Content: "first"})
				second := w.post(w.general, simulator.Draft{Author: bob, Content: "second", ReplyTo: first})
				if fetched {
					w.again(o)
				}
				posted := w.expected(everywhere)
				want := c.want(posted[store.ID(first.ID)], posted[store.ID(second.ID)])
				check := func(what string) {
					t.Helper()
					w.until(what, func() bool { return len(w.stored()) == len(want) })
					all := make(map[store.ID]store.Record)
					for _, r := range want {
						all[r.Message] = r
					}
					w.same(w.stored(), all)
				}
				check("they are stored")
				w.general.Edit(second.ID, "edited")
				w.say(w.sim.AddUser(simulator.UserSpec{Name: "dice", Bot: true}), "beep", w.general)
				w.until("the edit is taken in", func() bool {
					cursors, err := w.db.Cursors(w.ctx, store.ID(w.guild.ID))
					return err == nil && cursors[store.ID(w.general.ID)] > store.ID(second.ID)
				})
				for i, r := range want {
					if r.Message == store.ID(second.ID) && !r.Redacted {
						want[i].Content = "edited"
					}
				}
				check("they are as they were")

				// Their lines in the logs.
				var lines []store.Record
				for _, m := range []simulator.Message{first, second} {
					line := store.Record{
						Guild: store.ID(m.Guild), User: store.ID(m.Author), Time: store.MicrosOf(m.Time) + 5e5,
						Channel: store.Channel{Name: "general"}, Content: m.Content, Source: store.SourceLog,
					}
					if keep, err := o.Rules.Apply(&line); err != nil || !keep {
						continue
					}
					lines = append(lines, line)
				}
				if _, err := storetest.Import(w.ctx, w.db, store.LogBatch{Records: lines}); err != nil {
					t.Fatal(err)
				}
				for i := range want {
					want[i].InLogs = true
				}
				check("each counts once")
				names, err := w.db.Names(w.ctx, store.ID(w.guild.ID))
				if err != nil || (names[store.ID(w.ada.ID)] == "Ada") != (len(want) == 2) {
					t.Errorf("names %q, %v", names, err)
				}
			})
		}
	})
}
