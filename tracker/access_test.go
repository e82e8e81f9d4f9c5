package tracker

import (
	"encoding/json"
	"reflect"
	"testing"

	"rollcall/internal/permissions"
	"rollcall/store"
)

const (
	view    = permissions.ViewChannel
	history = permissions.ReadMessageHistory
)

func TestDecodeHiddenChannel(t *testing.T) {
	for raw, want := range map[string]channel{
		`{"id":"20","guild_id":"10","type":0,"position":4,"parent_id":null,"name":"___hidden___","topic":null,"last_message_id":null,"flags":131072,"permission_overwrites":[{"id":"10","type":0,"allow":"0","deny":"1024"}]}`: {ID: 20, GuildID: 10, Hidden: true},
		`{"id":"20","guild_id":"10","type":2,"name":"secret plans","last_message_id":"99","flags":131088}`:                                                                                                                     {ID: 20, GuildID: 10, Type: 2, Hidden: true},
		// The flag decides, not the name.
		`{"id":"20","guild_id":"10","name":"___hidden___","last_message_id":"99","flags":16,"permission_overwrites":[]}`: {ID: 20, GuildID: 10, Name: "___hidden___", Last: 99, Overwrites: []permissions.Overwrite{}},
		`{"id":"20","guild_id":"10","name":"a","flags":"131072"}`:                                                        {ID: 20, GuildID: 10, Name: "a"},
		// Of a thread the flag means something else.
		`{"id":"20","guild_id":"10","type":11,"parent_id":"19","name":"a","flags":131072}`: {ID: 20, GuildID: 10, Type: 11, Parent: 19, Name: "a"},
		`{"id":"20","permission_overwrites":[{"id":"10","type":0,"allow":"1024","deny":"0"},{"id":"7","type":1,"allow":"0","deny":"65536"}]}`: {
			ID: 20, Overwrites: []permissions.Overwrite{{ID: 10, Allow: view}, {ID: 7, Member: true, Deny: history}},
		},
		// One that cannot be understood, and none of them is known.
		`{"id":"20","permission_overwrites":[{"id":"10","type":0,"allow":"0","deny":"0"},{"id":"7","type":2,"allow":"0","deny":"0"}]}`: {ID: 20},
		`{"id":"20","permission_overwrites":[{"id":"10","type":0,"allow":0,"deny":"0"}]}`:                                              {ID: 20},
		`{"id":"20","permission_overwrites":[{"id":"10","type":0,"deny":"0"}]}`:                                                        {ID: 20},
		`{"id":"20","permission_overwrites":[{"type":0,"allow":"0","deny":"0"}]}`:                                                      {ID: 20},
		`{"id":"20","permission_overwrites":[{"id":"10","allow":"0","deny":"0"}]}`:                                                     {ID: 20},
		`{"id":"20","permission_overwrites":7}`:                                                                                        {ID: 20},
	} {
		if got, err := decodeChannel(json.RawMessage(raw)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nis %+v, %v\nwant %+v", raw, got, err, want)
		}
	}
}

func TestDecodeRolesAndMembers(t *testing.T) {
	raw := `{"id":"10","owner_id":"1","roles":[{"id":"10","permissions":"1024"},{"id":"11","permissions":"8"}],
		"members":[null,{"user":{"id":"3"},"roles":["11"]},{"user":{},"roles":[]},{"user":{"id":"4"}}]}`
	g, err := decodeGuild(json.RawMessage(raw))
	want := guild{
		ID: 10, Owner: 1, Roles: []permissions.Role{{ID: 10, Allow: view}, {ID: 11, Allow: permissions.Administrator}},
		Members: []guildMember{{User: 3, Roles: []store.ID{11}}}, Channels: []channel{}, Threads: []channel{},
	}
	if err != nil || !reflect.DeepEqual(g, want) {
		t.Errorf("got %+v, %v\nwant %+v", g, err, want)
	}
	for _, roles := range []string{`[]`, `null`, `7`, `[{"id":"10","permissions":"1024"},{"id":"11"}]`, `[{"id":"10","permissions":1024}]`, `[{"permissions":"0"}]`} {
		if g, err := decodeGuild(json.RawMessage(`{"id":"10","roles":` + roles + `}`)); err != nil || g.Roles != nil {
			t.Errorf("%s are %+v, %v", roles, g.Roles, err)
		}
	}
	for raw, want := range map[string]roleChange{
		`{"guild_id":"10","role":{"id":"11","name":"x","permissions":"1024"}}`: {GuildID: 10, Role: permissions.Role{ID: 11, Allow: view}},
		`{"guild_id":"10","role_id":"11"}`:                                     {GuildID: 10, Role: permissions.Role{ID: 11}, Deleted: true},
	} {
		if got, err := decodeRole(json.RawMessage(raw)); err != nil || got != want {
			t.Errorf("%s is %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`{}`, `{"guild_id":"10"}`, `{"role_id":"11"}`, `{"guild_id":"10","role":{"id":"11"}}`, `{"guild_id":"10","role":{"id":"11","permissions":"x"}}`, `null`, `[]`} {
		if got, err := decodeRole(json.RawMessage(raw)); err == nil {
			t.Errorf("%s is %+v", raw, got)
		}
	}
	if id := decodeBot(json.RawMessage(`{"user":{"id":"3"}}`)); id != 3 {
		t.Errorf("the bot is %v", id)
	}
	for _, raw := range []string{`{}`, `null`, `{"user":7}`, `{"user":{"id":7}}`} {
		if id := decodeBot(json.RawMessage(raw)); id != 0 {
			t.Errorf("%s is of %v", raw, id)
		}
	}
}

// What the bot may read, as its guild's events tell it.
func TestAccess(t *testing.T) {
	everything := func(store.ID) bool { return true }
	var log lines
	log.t = t
	a := newAccess(newNames(), log.logger())
	open := []permissions.Overwrite{}
	secret := []permissions.Overwrite{{ID: 10, Deny: view}}
	g := guild{
		ID: 10, Owner: 1, Roles: []permissions.Role{{ID: 10, Allow: view | history}, {ID: 11}},
		Channels: []channel{
			{ID: 20, Overwrites: open}, {ID: 21, Overwrites: secret}, {ID: 22, Hidden: true}, {ID: 23},
			{ID: 24, Type: channelCategory, Overwrites: secret}, {ID: 25, Overwrites: []permissions.Overwrite{{ID: 10, Deny: history}}},
		},
		Members: []guildMember{{User: 3, Roles: []store.ID{11}}, {User: 4, Roles: []store.ID{12}}},
	}
	check := func(what string, want ...string) {
		t.Helper()
		for i, id := range []store.ID{20, 21, 22, 23, 25} {
			if got := reasonOf(a.reading(10, id)); got != want[i] {
				t.Errorf("%s: channel %v cannot be read for %q, want %q", what, id, got, want[i])
			}
		}
	}
	update := func(change func(*guildAccess) bool) (changed []channelSnapshot, any bool) {
		return a.update(10, everything, func(g *guildAccess, _ store.ID) bool { return change(g) })
	}
	a.setGuild(g, everything)
	check("who the bot is is not known", "", "", "", "", "")
	a.setBot(3)
	a.setGuild(g, everything)
	check("all is known", "", store.ReasonUnreadable, store.ReasonHidden, "", store.ReasonNoHistory)
	if n := a.count(); n != (unreadableCounts{1, 1, 1}) {
		t.Errorf("counted are %+v", n)
	}
	a.tell(10)
	a.tell(10)
	a.tellRest()
	if n := log.count("cannot be read", "hidden=1", "unreadable=1", "no_history=1"); n != 1 {
		t.Errorf("%d lines", n)
	}
	changed, any := update(func(g *guildAccess) bool {
		return g.setRole(roleChange{Role: permissions.Role{ID: 11, Allow: permissions.Administrator}})
	})
	check("an administrator", "", "", store.ReasonHidden, "", "")
	if !any || len(changed) != 3 || changed[0].ID != 21 || changed[0].Reading != permissions.Full {
		t.Errorf("changed are %+v", changed)
	}
	a.tell(10) // too early
	if n := log.count("cannot be read"); n != 1 {
		t.Errorf("%d lines", n)
	}
	a.tellRest()
	if n := log.count("cannot be read", "hidden=1", "unreadable=0"); n != 1 {
		t.Errorf("%d lines", n)
	}
	if changed, any := update(func(g *guildAccess) bool {
		return g.setRole(roleChange{Role: permissions.Role{ID: 11, Allow: permissions.Administrator}})
	}); any || len(changed) > 0 {
		t.Errorf("the same role changes %+v", changed)
	}
	update(func(g *guildAccess) bool { return g.setMember(guildMember{User: 3, Roles: []store.ID{}}, 3) })
	check("without a role", "", store.ReasonUnreadable, store.ReasonHidden, "", store.ReasonNoHistory)
	update(func(g *guildAccess) bool { return g.setMember(guildMember{User: 4, Roles: []store.ID{11}}, 3) })
	check("another member's role", "", store.ReasonUnreadable, store.ReasonHidden, "", store.ReasonNoHistory)
	update(func(g *guildAccess) bool { return g.setGuild(guild{Owner: 3}) })
	check("the owner", "", "", store.ReasonHidden, "", "")
	update(func(g *guildAccess) bool { return g.setGuild(guild{Owner: 1}) })
	changed, _ = update(func(g *guildAccess) bool { return g.setChannel(channel{ID: 22, Overwrites: open}) })
	check("shown", "", store.ReasonUnreadable, "", "", store.ReasonNoHistory)
	if len(changed) != 1 || changed[0].ID != 22 {
		t.Errorf("changed are %+v", changed)
	}
	// The members of another GUILD_CREATE need not tell of the bot: what was known stays.
	g.Members = nil
	a.setGuild(g, everything)
	check("again, without members", "", store.ReasonUnreadable, store.ReasonHidden, "", store.ReasonNoHistory)
	a.setGuild(guild{ID: 10, Channels: g.Channels}, everything)
	check("again, without roles", "", "", store.ReasonHidden, "", "")
	a.dropGuild(10)
	check("left", "", "", "", "", "")
	if changed, any := update(func(*guildAccess) bool { t.Error("a guild is there that is not known"); return true }); any || changed != nil {
		t.Errorf("changed are %+v", changed)
	}
}
