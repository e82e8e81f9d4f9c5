package permissions_test

import (
	"testing"

	"rollcall/internal/permissions"
	"rollcall/store"
)

const (
	guildID store.ID = 100
	owner   store.ID = 1
	ada     store.ID = 2
	mod     store.ID = 201 // a role
	muted   store.ID = 202 // another
	boss    store.ID = 203 // an administrator's

	view    = permissions.ViewChannel
	history = permissions.ReadMessageHistory
	connect = permissions.Connect
)

// town is a guild in which everybody may read, but for what its channels say.
func town() *permissions.Guild {
	g := permissions.NewGuild(guildID)
	g.SetOwner(owner)
	g.SetRoles([]permissions.Role{{guildID, view | history | connect}, {mod, permissions.ManageThreads}, {muted, 0}, {boss, permissions.Administrator}})
	for _, c := range []permissions.Channel{
		{ID: 1000},
		{ID: 1001, Overwrites: []permissions.Overwrite{{ID: guildID, Deny: view}, {ID: mod, Allow: view}}},
		{ID: 1002, Overwrites: []permissions.Overwrite{{ID: mod, Allow: view}, {ID: muted, Deny: view}}},
		{ID: 1003, Overwrites: []permissions.Overwrite{{ID: ada, Member: true, Allow: view}, {ID: guildID, Deny: view}, {ID: muted, Deny: view}}},
		{ID: 1004, Overwrites: []permissions.Overwrite{{ID: guildID, Deny: history}}},
		{ID: 1005, Kind: permissions.Voice, Overwrites: []permissions.Overwrite{{ID: guildID, Deny: connect}}},
		{ID: 1006, Kind: permissions.Stage, Overwrites: []permissions.Overwrite{{ID: guildID, Deny: connect}, {ID: mod, Allow: connect}}},
		{ID: 1007, Overwrites: []permissions.Overwrite{{ID: guildID, Deny: connect}}},
		{ID: 1008, Hidden: true, Overwrites: []permissions.Overwrite{{ID: guildID, Allow: view}}},
		{ID: 1009, Overwrites: []permissions.Overwrite{{ID: ada, Deny: view}, {ID: mod, Member: true, Deny: view}}},
		{ID: 2000, Kind: permissions.PublicThread, Parent: 1001},
		{ID: 2001, Kind: permissions.PrivateThread, Parent: 1000},
		{ID: 2002, Kind: permissions.PublicThread, Parent: 999},
		{ID: 2003, Kind: permissions.NewsThread, Parent: 1008},
		{ID: 2004, Kind: permissions.PublicThread, Parent: 2000},
		{ID: 2005, Kind: permissions.PrivateThread, Parent: 1001},
	} {
		g.SetChannel(c)
	}
	return g
}

func TestReading(t *testing.T) {
	const (
		unknown, hidden, unseen, noHistory, full = permissions.Unknown, permissions.Hidden, permissions.Unseen, permissions.NoHistory, permissions.Full
	)
	tests := []struct {
		name                   string
		channel                store.ID
		everyone, ada, mod     permissions.Reading
		modAndMuted, boss, own permissions.Reading
	}{
		{"open to all", 1000, full, full, full, full, full, full},
		{"for a role", 1001, unseen, unseen, full, full, full, full},
		{"denied to a role, which another allows", 1002, full, full, full, full, full, full},
		{"for a member", 1003, unseen, full, unseen, unseen, full, full},
		{"without the history", 1004, noHistory, noHistory, noHistory, noHistory, full, full},
		{"voice that may not be connected to", 1005, unseen, unseen, unseen, unseen, full, full},
		{"stage for a role", 1006, unseen, unseen, full, full, full, full},
		{"text needs no CONNECT", 1007, full, full, full, full, full, full},
		{"hidden", 1008, hidden, hidden, hidden, hidden, full, full},
		{"overwrites of the other kind", 1009, full, full, full, full, full, full},
		{"not known", 4711, unknown, unknown, unknown, unknown, full, full},
		{"thread", 2000, unseen, unseen, full, full, full, full},
		{"private thread", 2001, unseen, unseen, full, full, full, full},
		{"thread of a channel that is not known", 2002, unknown, unknown, unknown, unknown, full, full},
		{"thread of a hidden channel", 2003, hidden, hidden, hidden, hidden, full, full},
		{"thread of a thread", 2004, unknown, unknown, unknown, unknown, full, full},
		{"private thread of a channel for a role", 2005, unseen, unseen, full, full, full, full},
	}
	g := town()
	for _, test := range tests {
		for _, who := range []struct {
			name string
			m    permissions.Member
			want permissions.Reading
		}{
			{"everyone", permissions.Everyone, test.everyone},
			{"ada", permissions.Member{User: ada}, test.ada},
			{"mod", permissions.Member{User: 3, Roles: []store.ID{mod}}, test.mod},
			{"mod and muted", permissions.Member{User: 3, Roles: []store.ID{muted, 9999, mod}}, test.modAndMuted},
			{"boss", permissions.Member{User: 3, Roles: []store.ID{boss}}, test.boss},
			{"owner", permissions.Member{User: owner}, test.own},
		} {
			if got := g.Reading(who.m, test.channel); got != who.want {
				t.Errorf("%s: %s may read %v, want %v", test.name, who.name, got, who.want)
			}
		}
	}
}

func TestMutedAlone(t *testing.T) {
	if got := town().Reading(permissions.Member{User: 3, Roles: []store.ID{muted}}, 1002); got != permissions.Unseen {
		t.Errorf("a muted member may read %v", got)
	}
}

// Whoever speaks from a private thread is in it, and in no other one.
func TestInsideAPrivateThread(t *testing.T) {
	g := town()
	for channel, want := range map[store.ID]permissions.Reading{2001: permissions.Full, 2005: permissions.Unseen, 2000: permissions.Unseen} {
		if got := g.Reading(permissions.Member{User: ada, Inside: channel}, channel); got != want {
			t.Errorf("inside of %v one may read %v, want %v", channel, got, want)
		}
	}
	if got := g.Reading(permissions.Member{User: ada, Inside: 2005}, 2001); got != permissions.Unseen {
		t.Errorf("from another private thread one may read %v", got)
	}
}

// Until the owner and the roles are known, nobody may read, not even the owner.
func TestFailsClosed(t *testing.T) {
	channel := permissions.Channel{ID: 1000, Overwrites: []permissions.Overwrite{{ID: ada, Member: true, Allow: view | history}}}
	roles := []permissions.Role{{guildID, permissions.Administrator}}
	for name, g := range map[string]*permissions.Guild{
		"nothing": permissions.NewGuild(guildID),
		"owner":   func() *permissions.Guild { g := permissions.NewGuild(guildID); g.SetOwner(owner); return g }(),
		"roles":   func() *permissions.Guild { g := permissions.NewGuild(guildID); g.SetRoles(roles); return g }(),
		"roles without @everyone": func() *permissions.Guild {
			g := permissions.NewGuild(guildID)
			g.SetOwner(owner)
			if g.SetRoles([]permissions.Role{{mod, permissions.Administrator}}) || g.SetRole(permissions.Role{ID: mod, Allow: permissions.Administrator}) {
				t.Error("an incomplete list of roles is taken in")
			}
			return g
		}(),
	} {
		g.SetChannel(channel)
		for _, m := range []permissions.Member{permissions.Everyone, {User: ada, Roles: []store.ID{mod}}, {User: owner}} {
			if got := g.Reading(m, 1000); got != permissions.Unknown || g.Complete() {
				t.Errorf("%s: %+v may read %v", name, m, got)
			}
		}
	}
}

func TestChanges(t *testing.T) {
	g := town()
	m := permissions.Member{User: ada, Roles: []store.ID{mod}}
	check := func(what string, changes, want bool, reading permissions.Reading) {
		t.Helper()
		if got := g.Reading(m, 1001); changes != want || got != reading {
			t.Errorf("%s: changes %v, may read %v", what, changes, got)
		}
	}
	check("the same role", g.SetRole(permissions.Role{ID: mod, Allow: permissions.ManageThreads}), false, permissions.Full)
	check("the same channel", g.SetChannel(permissions.Channel{ID: 1001, Overwrites: []permissions.Overwrite{{ID: mod, Allow: view}, {ID: guildID, Deny: view}}}), false, permissions.Full)
	check("an overwrite less", g.SetChannel(permissions.Channel{ID: 1001, Overwrites: []permissions.Overwrite{{ID: guildID, Deny: view}}}), true, permissions.Unseen)
	check("an administrator", g.SetRole(permissions.Role{ID: mod, Allow: permissions.Administrator}), true, permissions.Full)
	check("no role", g.DropRole(mod), true, permissions.Unseen)
	check("no role again", g.DropRole(mod), false, permissions.Unseen)
	check("@everyone stays", g.DropRole(guildID), false, permissions.Unseen)
	g.SetOwner(ada)
	g.SetOwner(0)
	check("the owner", true, true, permissions.Full)
	g.DropChannel(1001)
	check("the owner, of a channel that is gone", true, true, permissions.Full)
}

func TestParseSet(t *testing.T) {
	for in, want := range map[string]permissions.Set{"0": 0, "1024": view, "18446744073709551615": 1<<64 - 1, "2248473465835073": 2248473465835073} {
		if got, err := permissions.ParseSet(in); err != nil || got != want {
			t.Errorf("%q is %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1", "+1", " 1", "0x10", "1e3", "18446744073709551616", "١"} {
		if got, err := permissions.ParseSet(in); err == nil {
			t.Errorf("%q is %v", in, got)
		}
	}
}
