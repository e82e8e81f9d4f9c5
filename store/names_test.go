package store_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

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
		have, err := db.UsersCalled(t.Context(), 1, func(name string) bool {
			asked = append(asked, name)
			return strings.EqualFold(name, "ADA")
		})
		if want := map[store.ID]string{0: "Ada", 2: "Ada", 3: "ada"}; err != nil || !maps.Equal(have, want) {
			t.Errorf("have %v, %v, want %v", have, err, want)
		}
		if len(asked) != 4 {
			t.Errorf("it was asked of %q", asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.UsersCalled(ctx, 1, func(string) bool { return true }); !errors.Is(err, context.Canceled) {
			t.Errorf("after the caller has gone: %v", err)
		}
	}
}
