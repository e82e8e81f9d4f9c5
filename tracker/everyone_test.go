package tracker

import (
	"testing"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// What everybody may read is only what is known to be so.
func TestEveryoneReads(t *testing.T) {
	var log lines
	log.t = t
	n := newNames()
	tr := &Tracker{names: n, access: newAccess(n, log.logger())}
	open, secret := []permissions.Overwrite{}, []permissions.Overwrite{{ID: 10, Deny: view}}
	g := guild{
		ID: 10, Name: "x", Owner: 1, Roles: []permissions.Role{{ID: 10, Allow: view | history}, {ID: 11, Allow: view}},
		Channels: []channel{
			{ID: 20, Name: "open", Overwrites: open}, {ID: 21, Name: "secret", Overwrites: secret}, {ID: 22, Hidden: true}, {ID: 23, Name: "vague"},
			{ID: 25, Name: "no history", Overwrites: []permissions.Overwrite{{ID: 10, Deny: history}}},
			{ID: 26, Name: "for a role", Overwrites: []permissions.Overwrite{{ID: 10, Deny: view}, {ID: 11, Allow: view}}},
		},
		Threads: []channel{
			{ID: 30, Type: channelPublicThread, Parent: 20, Name: "open thread"}, {ID: 31, Type: channelPrivateThread, Parent: 20, Name: "private"},
			{ID: 32, Type: channelPublicThread, Parent: 21, Name: "thread of secret"}, {ID: 33, Parent: 20, Name: "of no kind"},
		},
	}
	if tr.EveryoneReads(10, 20) {
		t.Error("a channel is public before anything is known")
	}
	n.setGuild(g)
	tr.access.setGuild(g, func(store.ID) bool { return true })
	for id := store.ID(20); id < 40; id++ {
		if got, want := tr.EveryoneReads(10, id), id == 20 || id == 30; got != want {
			t.Errorf("channel %d is public: %v", id, got)
		}
	}
	if tr.EveryoneReads(11, 20) {
		t.Error("a channel is public in another guild")
	}
}
