package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/simulator"
)

// A hidden channel is told of with what Discord tells, and nothing more.
func TestHiddenPayload(t *testing.T) {
	for name, test := range map[string]struct {
		hiding simulator.Hiding
		last   string // as JSON, MESSAGE for the id of the last message
	}{"null": {simulator.HideNull, `null`}, "kept": {simulator.HideKeepLast, `"MESSAGE"`}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, simulator.Options{Hiding: test.hiding})
			c := connect(t, w.s)
			m := w.say("seen")
			c.expectMessage(m)
			w.general.SetAccess(simulator.NoAccess)
			f := c.expect("CHANNEL_UPDATE")
			want := fmt.Sprintf(`{"id":"%v","guild_id":"%v","type":0,"position":0,"parent_id":null,"name":"___hidden___","topic":null,"last_message_id":%s,"flags":131072,`+
				`"permission_overwrites":[{"id":"%[2]v","type":0,"allow":"0","deny":"1024"}]}`,
				w.general.ID, w.guild.ID, strings.Replace(test.last, "MESSAGE", m.ID.String(), 1))
			if string(f.D) != want {
				t.Errorf("CHANNEL_UPDATE is\n%s, want\n%s", f.D, want)
			}
			w.say("unheard")
			if status, _, _ := get(t, w.s, "/channels/"+w.general.ID.String()+"/messages"); status != http.StatusForbidden {
				t.Errorf("the history answers %d", status)
			}
			if _, body, _ := get(t, w.s, "/guilds/"+w.guild.ID.String()+"/channels"); strings.Contains(string(body), w.general.ID.String()) {
				t.Errorf("the list of channels has it: %s", body)
			}
			w.general.SetAccess(simulator.Full)
			shown := c.expect("CHANNEL_UPDATE")
			var got struct {
				Name       string
				Flags      int
				Last       simulator.ID `json:"last_message_id"`
				Overwrites []any        `json:"permission_overwrites"`
			}
			c.decode(shown.D, &got)
			if last := w.general.Messages()[1].ID; got.Name != "general" || got.Flags != 0 || got.Last != last || got.Overwrites == nil || len(got.Overwrites) != 0 {
				t.Errorf("it is shown again as %s", shown.D)
			}
			c.expect("THREAD_LIST_SYNC")
			c.expectMessage(w.say("heard"))
		})
	}
}

// What the guild's roles, its owner and the channels' overwrites allow the bot decides what
// it is told, and each change of it is told, in Discord's order.
func TestPermissions(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	thread := w.general.StartThread(simulator.ThreadSpec{Name: "thread", Owner: w.ada})
	staff := w.guild.AddRole(simulator.RoleSpec{Name: "staff"})
	bot := w.s.Bot()
	c := connect(t, w.s)
	for _, step := range []struct {
		name   string
		do     func()
		events []string
		heard  bool
	}{
		{"a role without a word to say", func() { w.guild.SetRoles(bot, staff) }, []string{"GUILD_MEMBER_UPDATE"}, true},
		{"@everyone may not view", func() { w.guild.Everyone().SetPermissions(simulator.ReadMessageHistory) }, []string{"GUILD_ROLE_UPDATE", "CHANNEL_UPDATE"}, false},
		{"the role may view", func() { staff.SetPermissions(simulator.ViewChannel) }, []string{"GUILD_ROLE_UPDATE", "CHANNEL_UPDATE", "THREAD_LIST_SYNC"}, true},
		{"the channel denies it to the role", func() {
			w.general.SetOverwrites(simulator.Overwrite{Role: staff, Deny: simulator.ViewChannel})
		}, []string{"CHANNEL_UPDATE"}, false},
		{"it allows it to the bot", func() {
			w.general.SetOverwrites(simulator.Overwrite{Role: staff, Deny: simulator.ViewChannel}, simulator.Overwrite{User: bot, Allow: simulator.ViewChannel})
		}, []string{"CHANNEL_UPDATE", "THREAD_LIST_SYNC"}, true},
		{"to the role alone", func() {
			w.general.SetOverwrites(simulator.Overwrite{Role: staff, Allow: simulator.ViewChannel})
		}, []string{"CHANNEL_UPDATE"}, true},
		{"the role is taken away", func() { w.guild.SetRoles(bot) }, []string{"GUILD_MEMBER_UPDATE", "CHANNEL_UPDATE"}, false},
		{"the bot is the owner", func() { w.guild.SetOwner(bot) }, []string{"GUILD_UPDATE", "CHANNEL_UPDATE", "THREAD_LIST_SYNC"}, true},
		{"it is not", func() { w.guild.SetOwner(w.ada) }, []string{"GUILD_UPDATE", "CHANNEL_UPDATE"}, false},
		{"the role is given back", func() { w.guild.SetRoles(bot, staff) }, []string{"GUILD_MEMBER_UPDATE", "CHANNEL_UPDATE", "THREAD_LIST_SYNC"}, true},
		{"the role is deleted", staff.Delete, []string{"GUILD_ROLE_DELETE", "CHANNEL_UPDATE"}, false},
		{"an administrator", func() {
			w.guild.SetRoles(bot, w.guild.AddRole(simulator.RoleSpec{Name: "boss", Permissions: simulator.Administrator}))
		}, []string{"GUILD_ROLE_CREATE", "GUILD_MEMBER_UPDATE", "CHANNEL_UPDATE", "THREAD_LIST_SYNC"}, true},
	} {
		t.Run(step.name, func(t *testing.T) {
			c.t = t
			step.do()
			for _, event := range step.events {
				f := c.expect(event)
				if event == "THREAD_LIST_SYNC" && !strings.Contains(string(f.D), thread.ID.String()) {
					t.Errorf("the thread is not in %s", f.D)
				}
			}
			said := []simulator.Message{w.say("in the channel"), post(t, thread, simulator.Draft{Author: w.ada, Content: "in the thread"})}
			status, body, _ := get(t, w.s, "/guilds/"+w.guild.ID.String()+"/channels")
			if listed := strings.Contains(string(body), w.general.ID.String()); status != http.StatusOK || listed != step.heard {
				t.Errorf("listed: %v", listed)
			}
			for _, id := range []simulator.ID{w.general.ID, thread.ID} {
				if status, _, _ := get(t, w.s, "/channels/"+id.String()+"/messages"); (status == http.StatusOK) != step.heard {
					t.Errorf("the history answers %d", status)
				}
			}
			if step.heard {
				for _, m := range said {
					c.expectMessage(m)
				}
			}
		})
	}
}

// Before channels were hidden, a role that changed what the bot may view was all that was told.
func TestHideNothing(t *testing.T) {
	w := newWorld(t, simulator.Options{Hiding: simulator.HideNothing})
	c := connect(t, w.s)
	w.guild.Everyone().SetPermissions(0)
	c.expect("GUILD_ROLE_UPDATE")
	w.say("unheard")
	w.guild.Everyone().SetPermissions(simulator.ViewChannel)
	c.expect("GUILD_ROLE_UPDATE")
	c.expect("THREAD_LIST_SYNC")
	c.expectMessage(w.say("heard"))
	w.general.SetAccess(simulator.NoAccess)
	if f := c.expect("CHANNEL_UPDATE"); !strings.Contains(string(f.D), `"name":"general"`) || !strings.Contains(string(f.D), `"deny":"1024"`) {
		t.Errorf("CHANNEL_UPDATE is %s", f.D)
	}
	if _, body, _ := get(t, w.s, "/guilds/"+w.guild.ID.String()+"/channels"); !strings.Contains(string(body), w.general.ID.String()) {
		t.Errorf("the list of channels is %s", body)
	}
}

func TestVoiceNeedsConnect(t *testing.T) {
	for _, kind := range []simulator.Kind{simulator.Voice, simulator.Stage} {
		w := newWorld(t, simulator.Options{})
		voice := w.guild.AddChannel(simulator.ChannelSpec{Name: "voice", Kind: kind})
		m := post(t, voice, simulator.Draft{Author: w.ada, Content: "hello"})
		history := "/channels/" + voice.ID.String() + "/messages"
		for _, path := range []string{history, history + "/" + m.ID.String()} {
			if status, body, _ := get(t, w.s, path); status != http.StatusOK {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		voice.SetOverwrites(simulator.Overwrite{Role: w.guild.Everyone(), Deny: simulator.Connect})
		for _, path := range []string{history, history + "/" + m.ID.String()} {
			if status, body, _ := get(t, w.s, path); status != http.StatusForbidden {
				t.Errorf("without CONNECT %s: %d %s", path, status, body)
			}
		}
	}
}

// A category is shown while one of its channels is.
func TestCategoryOfAVisibleChannel(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	category := w.guild.AddChannel(simulator.ChannelSpec{Name: "staff", Kind: simulator.Category})
	child := w.guild.AddChannel(simulator.ChannelSpec{Name: "plans", Parent: category})
	category.SetAccess(simulator.NoAccess)
	c := connect(t, w.s)
	for _, step := range []struct {
		access simulator.Access
		names  []string
	}{{simulator.NoAccess, []string{"___hidden___", "___hidden___"}}, {simulator.Full, []string{"staff", "plans"}}} {
		child.SetAccess(step.access)
		var names []string
		for len(names) < 2 {
			if f := c.read(); f.T == "CHANNEL_UPDATE" {
				var ch struct{ Name string }
				c.decode(f.D, &ch)
				names = append(names, ch.Name)
			}
		}
		slices.Sort(names)
		slices.Sort(step.names)
		if !slices.Equal(names, step.names) {
			t.Errorf("with %v the channels are told of as %q", step.access, names)
		}
	}
}

func TestGuildCreateTellsPermissions(t *testing.T) {
	for _, omit := range []bool{false, true} {
		w := newWorld(t, simulator.Options{OmitMembers: omit})
		role := w.guild.AddRole(simulator.RoleSpec{Name: "bots", Permissions: simulator.Connect})
		w.guild.SetRoles(w.s.Bot(), role)
		w.general.SetOverwrites(simulator.Overwrite{Role: role, Allow: simulator.ViewChannel}, simulator.Overwrite{User: w.ada, Deny: simulator.Connect})
		w.guild.SetOwner(w.ada)
		c := dial(t, w.s)
		c.hello()
		c.identify("")
		c.ready()
		var g struct {
			Owner simulator.ID `json:"owner_id"`
			Roles []struct {
				ID          simulator.ID
				Permissions string
			}
			Members []struct {
				User  struct{ ID simulator.ID }
				Roles []simulator.ID
			}
			Channels []struct {
				ID         simulator.ID
				Overwrites json.RawMessage `json:"permission_overwrites"`
			}
		}
		c.decode(c.expect("GUILD_CREATE").D, &g)
		if g.Owner != w.ada.ID || len(g.Roles) != 3 || g.Roles[0].ID != w.guild.ID || g.Roles[2].Permissions != "1048576" {
			t.Errorf("the guild is %+v", g)
		}
		if omit != (len(g.Members) == 0) || !omit && (g.Members[0].User.ID != w.s.Bot().ID || !slices.Equal(g.Members[0].Roles, []simulator.ID{role.ID})) {
			t.Errorf("the members are %+v", g.Members)
		}
		want := fmt.Sprintf(`[{"id":"%v","type":0,"allow":"1024","deny":"0"},{"id":"%v","type":1,"allow":"0","deny":"1048576"}]`, role.ID, w.ada.ID)
		if string(g.Channels[0].Overwrites) != want {
			t.Errorf("the overwrites are %s, want %s", g.Channels[0].Overwrites, want)
		}
	}
}

func post(t *testing.T, c *simulator.Channel, d simulator.Draft) simulator.Message {
	t.Helper()
	m, err := c.Post(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Who has written is a member that can be asked for, with the roles of the moment, until they leave.
func TestMemberOverREST(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	g, user := w.guild, w.s.AddUser(simulator.UserSpec{Name: "Zoe"})
	role := g.AddRole(simulator.RoleSpec{Name: "friends"})
	ask := func() (int, string) {
		t.Helper()
		status, body, _ := get(t, w.s, "/guilds/"+g.ID.String()+"/members/"+user.ID.String())
		return status, string(body)
	}
	if status, body := ask(); status != 404 || !strings.Contains(body, "10007") {
		t.Errorf("who never came is answered with %d %s", status, body)
	}
	if _, err := w.general.Say(t.Context(), user, "here I am"); err != nil {
		t.Fatal(err)
	}
	g.SetRoles(user, role)
	var member struct {
		User  struct{ ID simulator.ID }
		Roles []simulator.ID
	}
	if status, body := ask(); status != 200 || json.Unmarshal([]byte(body), &member) != nil || member.User.ID != user.ID || !slices.Equal(member.Roles, []simulator.ID{role.ID}) {
		t.Errorf("a member is answered with %d %s", status, body)
	}
	g.RemoveMember(user)
	g.RemoveMember(user)
	if status, _ := ask(); status != 404 {
		t.Errorf("who has left is answered with %d", status)
	}
}
