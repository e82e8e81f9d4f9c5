package store_test

import (
	"slices"
	"testing"

	"rollcall/store"
)

// What is asked of a moment agrees, whatever is written between two questions.
func TestMoment(t *testing.T) {
	for name, channels := range map[string][]store.ID{"all channels": nil, "one channel": {5}} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			say := func(i int, name string) store.Batch {
				return store.Batch{Records: []store.Record{live(1, 2, i, "hello")}, Names: []store.Name{{Guild: 1, User: 2, Name: name}}}
			}
			mustPut(t, db, say(0, "before"))
			q := store.Query{Guild: 1, User: 2}
			now := live(1, 2, 1000, "").Time.Time()
			err := db.Part(channels).Moment(t.Context(), func(p store.Part) error {
				var err error
				if q.Channel, err = p.Select(t.Context(), 1); err != nil {
					return err
				}
				for i := range 3 {
					written := make(chan error, 1)
					go func() {
						_, err := db.Put(t.Context(), say(i+1, "after"))
						written <- err
					}()
					if err := <-written; err != nil {
						return err
					}
					profile, known, err := p.Profile(t.Context(), 1, 2, store.Days{}, now)
					if err != nil || !known || profile.Messages != 1 || profile.Name != "before" || profile.Last != profile.First {
						t.Errorf("after %d writes the profile is %+v, %v", i+1, profile, err)
					}
					var records []store.Record
					for r, err := range p.Records(t.Context(), q) {
						if err != nil {
							return err
						}
						records = append(records, r)
					}
					newest, _, err := p.Newest(t.Context(), q, nil, 10)
					if err != nil || len(records) != 1 || !slices.Equal(records, newest) {
						t.Errorf("after %d writes there are %d records, the newest %d, %v", i+1, len(records), len(newest), err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			profile, _, err := db.Part(channels).Profile(t.Context(), 1, 2, store.Days{}, now)
			if err != nil || profile.Messages != 4 || profile.Name != "after" {
				t.Errorf("afterwards the profile is %+v, %v", profile, err)
			}
		})
	}
}
