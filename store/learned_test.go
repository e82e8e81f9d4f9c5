package store_test

import (
	"path/filepath"
	"testing"

	"rollcall/store"
)

// What was stored before its channel's name was known has that name once it is learnt,
// and nothing else of it changes.
func TestLearnedNames(t *testing.T) {
	at := func(i int, channel store.ID, name string) store.Record {
		r := live(1, store.ID(2+i%2), i, "said")
		r.Channel = store.Channel{ID: channel, Name: name}
		return r
	}
	for name, known := range map[string]bool{"never known": false, "known before": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{})
			var records []store.Record
			if known {
				records = append(records, at(0, 5, "plans"))
			}
			records = append(records, at(1, 5, store.UnknownChannel), at(2, 5, store.UnknownChannel), at(3, 6, store.UnknownChannel), at(4, 7, "other"))
			mustPut(t, db, store.Batch{Records: records})
			learned := store.Batch{
				Records: []store.Record{at(5, 5, store.UnknownChannel)},
				Learned: []store.LearnedName{{1, 5, "plans"}, {1, 7, "elsewhere"}, {1, 8, "never used"}, {9, 5, "another guild"}, {1, 6, ""}, {1, 6, store.UnknownChannel}},
			}
			mustPut(t, db, learned)
			mustPut(t, db, store.Batch{Learned: learned.Learned, Records: []store.Record{at(6, 5, "plans")}})
			for again := range 2 {
				want := map[store.ID]string{1001: "plans", 1002: "plans", 1003: store.UnknownChannel, 1004: "other", 1005: "plans", 1006: "plans"}
				if known {
					want[1000] = "plans"
				}
				have := all(t, db, store.Query{})
				if len(have) != len(want) {
					t.Errorf("%d records, want %d", len(have), len(want))
				}
				for _, r := range have {
					if r.Channel.Name != want[r.Message] || r.Content != "said" {
						t.Errorf("message %v is %+v, want channel %q", r.Message, r, want[r.Message])
					}
				}
				mustBeSound(t, db)
				if again == 0 {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
					db = openWith(t, path, store.Options{})
				}
			}
			// The deletion of the channel reaches all of them.
			mustPut(t, db, store.Batch{Deleted: []store.DeletedChannel{{Guild: 1, Channel: 5, Action: store.Redact}}})
			tasks, err := db.Tasks(t.Context())
			for _, task := range tasks {
				for done := false; err == nil && !done; {
					_, done, err = db.Step(t.Context(), task)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all(t, db, store.Query{}) {
				if r.Redacted != (r.Channel.ID == 5) {
					t.Errorf("%+v", r)
				}
			}
			mustBeSound(t, db)
		})
	}
}
