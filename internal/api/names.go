package api

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"

	"rollcall/store"
)

// guild finds the guild that has records and the id or, if no such id is known,
// the name: exactly, or else whatever its letter case, if that is one guild only.
func (s *Server) guild(ctx context.Context, text string) (store.Guild, error) {
	if err := checkName("guild", text); err != nil {
		return store.Guild{}, err
	}
	id, badID := store.ParseID(text)
	if badID == nil {
		if guild, known, err := s.store.Guild(ctx, id); known || err != nil {
			return guild, err
		}
	}
	guilds, err := s.store.Guilds(ctx)
	if err != nil {
		return store.Guild{}, err
	}
	names := make(map[store.ID]string, len(guilds))
	for _, g := range guilds {
		names[g.ID] = g.Name
	}
	id, err = named("guild", text, badID == nil, names)
	if err != nil {
		return store.Guild{}, err
	}
	return guilds[slices.IndexFunc(guilds, func(g store.Guild) bool { return g.ID == id })], nil
}

// user finds the user of a name in these guilds. An id stands for itself: a user
// without records is no mistake of the caller's. That of all deleted accounts is nobody's.
func (s *Server) user(ctx context.Context, guilds []store.Guild, text string) (store.ID, error) {
	if id, err := store.ParseID(text); err == nil {
		if id == store.DeletedUser {
			return 0, problem(http.StatusNotFound, "user %s stands for every deleted account: what they wrote counts for the server and belongs to nobody", id)
		}
		return id, nil
	}
	names := make(map[store.ID]string)
	wanted := []byte(text)
	for _, g := range guilds {
		known, err := s.store.UsersCalled(ctx, g.ID, func(name []byte) bool { return bytes.EqualFold(name, wanted) })
		if err != nil {
			return 0, err
		}
		for id, name := range known {
			if id != 0 && (names[id] == "" || name == text) { // a user's name may differ between guilds
				names[id] = name
			}
		}
	}
	return named("user", text, false, names)
}

// named finds the one id that has the name.
func named(what, text string, isID bool, names map[store.ID]string) (store.ID, error) {
	find := func(same func(name string) bool) (found []string) {
		for id, name := range names {
			if name != "" && same(name) {
				found = append(found, id.String())
			}
		}
		slices.Sort(found)
		return found
	}
	found := find(func(name string) bool { return name == text })
	if len(found) == 0 {
		found = find(func(name string) bool { return strings.EqualFold(name, text) })
	}
	switch {
	case len(found) == 1:
		return store.ParseID(found[0])
	case len(found) > 5:
		return 0, problem(http.StatusBadRequest, "%s %.64q is the name of %d: want an id", what, text, len(found))
	case len(found) > 1:
		return 0, problem(http.StatusBadRequest, "%s %.64q is the name of %s: want an id", what, text, strings.Join(found, ", "))
	case !isID && strings.Trim(text, "0123456789") == "":
		return 0, problem(http.StatusBadRequest, "%s cannot be %.64q: %v", what, text, store.ErrBadID)
	}
	return 0, problem(http.StatusNotFound, "no such %s: %.64q", what, text)
}
