package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// Looking a name up copies no other one, however many there are.
func TestNameLookupCost(t *testing.T) {
	for name, k := range map[string]store.Key{"plain": {}, "encrypted": store.NewKey()} {
		t.Run(name, func(t *testing.T) {
			db := storetest.New(t, store.Options{Key: k})
			lookUp := func() float64 {
				return testing.AllocsPerRun(5, func() {
					found, err := db.UsersCalled(t.Context(), 1, func(name []byte) bool { return string(name) == "user 7" })
					if err != nil || len(found) != 1 {
						t.Errorf("found %v, %v", found, err)
					}
				})
			}
			names := func(from, to int) {
				var batch store.Batch
				for i := from; i < to; i++ {
					batch.Names = append(batch.Names, store.Name{Guild: 1, User: store.ID(i + 1), Name: fmt.Sprint("user ", i)})
				}
				mustPut(t, db, batch)
			}
			names(0, 10)
			few := lookUp()
			names(10, 10_000)
			if many := lookUp(); many > few+100 {
				t.Errorf("%v allocations among 10,000 names, %v among 10", many, few)
			}
		})
	}
}

// Names that do not match are not returned, nor are those of another guild, whether or not
// they are encrypted.
func TestUsersCalled(t *testing.T) {
	for _, k := range []store.Key{{}, store.NewKey()} {
		db := storetest.New(t, store.Options{Key: k})
		mustPut(t, db, store.Batch{Names: []store.Name{
			{Guild: 1, User: 0, Name: "Ada"}, {Guild: 1, User: 2, Name: "Ada"}, {Guild: 1, User: 3, Name: "ada"}, {Guild: 1, User: 4, Name: "Bob"},
			{Guild: 2, User: 5, Name: "Ada"},
		}})
		var asked []string
		have, err := db.UsersCalled(t.Context(), 1, func(name []byte) bool {
			asked = append(asked, string(name))
			return strings.EqualFold(string(name), "ADA")
		})
		if want := map[store.ID]string{0: "Ada", 2: "Ada", 3: "ada"}; err != nil || !maps.Equal(have, want) {
			t.Errorf("have %v, %v, want %v", have, err, want)
		}
		if len(asked) != 4 {
			t.Errorf("it was asked of %q", asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.UsersCalled(ctx, 1, func([]byte) bool { return true }); !errors.Is(err, context.Canceled) {
			t.Errorf("after the caller has gone: %v", err)
		}
	}
}
