package rules

import (
	"fmt"

	"rollcall/store"
)

// Apply reports whether anything of a message is recorded, and leaves in the record what
// is kept of it. It is the gate that a store is guarded with (store.Gate): of a record
// without a user the author is not known, and nothing is kept while anybody has opted out.
//
// The error says that the guild's file cannot be read, and never could be: then
// nobody knows who wants to be left out.
func (r *Rules) Apply(rec *store.Record) (keep bool, err error) {
	if r.keepsAll() {
		return true, nil
	}
	guild := r.file(rec.Guild)
	if guild.mode == modeClosed {
		return false, fmt.Errorf("the rules of guild %d cannot be read", rec.Guild)
	}
	out := func(user store.ID) bool { return r.optOut.has(user) || guild.optOut.has(user) }
	if out(rec.User) || rec.User == 0 && len(r.optOut)+len(guild.optOut) > 0 {
		return false, nil
	}
	if rec.ReplyToUser != 0 && out(rec.ReplyToUser) {
		rec.ReplyTo, rec.ReplyToUser = 0, 0
	}
	rec.Redacted = rec.Redacted || !r.keepsContent(guild) || r.retention > 0 && rec.Time < r.horizon()
	return true, nil
}

func (r *Rules) keepsContent(guild *guildRules) bool {
	if guild.storeContent != nil {
		return *guild.storeContent
	}
	return r.storeContent
}

// keepsAll reports whether everything of every message is kept, in every guild.
func (r *Rules) keepsAll() bool {
	return r.dir == "" && len(r.optOut) == 0 && r.storeContent && r.retention == 0
}

// horizon is the instant before which texts are not kept.
func (r *Rules) horizon() store.Micros { return store.MicrosOf(r.now()) - r.retention }
