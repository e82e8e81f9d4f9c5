package tracker

import (
	"errors"
	"strings"
	"testing"

	"rollcall/internal/simulator"
)

// What Discord can send and nobody can read costs nothing but itself.
func TestRunLeavesOut(t *testing.T) {
	event := func(name, data string) func(*simulator.Conn) {
		return func(c *simulator.Conn) { c.Dispatch(name, data) }
	}
	send := func(payload string) func(*simulator.Conn) {
		return func(c *simulator.Conn) { c.Send(payload) }
	}
	tests := map[string]struct {
		send     func(c *simulator.Conn)
		rejected int64
	}{
		"nothing":               {send(""), 1},
		"garbage":               {send("\x00\xff{garbage"), 1},
		"null":                  {send("null"), 1},
		"a list":                {send("[]"), 1},
		"a number":              {send("7"), 1},
		"half a payload":        {send(`{"op":0,"t":"MESSAGE_CREATE","s":`), 1},
		"no op":                 {send(`{}`), 1},
		"an op of another type": {send(`{"op":"0"}`), 1},
		"an unknown op":         {send(`{"op":99,"d":null}`), 1},
		"a heartbeat request":   {send(`{"op":1,"d":null}`), 0},
		"a second HELLO":        {send(hello("30000")), 0},
		"an unknown event":      {event("SOMETHING_NEW", `{"a":[1,2,3]}`), 0},
		"an event of no name":   {send(`{"op":0,"s":4,"d":{}}`), 0},
		"an event without data": {send(`{"op":0,"s":4,"t":"GUILD_CREATE"}`), 1},
		"guild null":            {event("GUILD_CREATE", `null`), 1},
		"guild update null":     {event("GUILD_UPDATE", `null`), 1},
		"guild with nulls":      {event("GUILD_CREATE", `{"id":"5","channels":[null,7,{"id":null}],"members":[null],"threads":null,"voice_states":[null]}`), 0},
		"guild delete null":     {event("GUILD_DELETE", `null`), 1},
		"message null":          {event("MESSAGE_CREATE", `null`), 1},
		"message of no id":      {event("MESSAGE_CREATE", `{"content":"x"}`), 1},
		"message of huge id":    {event("MESSAGE_CREATE", `{"id":"9223372036854775808","channel_id":"1","guild_id":"1"}`), 1},
		"message with a number": {event("MESSAGE_CREATE", `{"id":"1","channel_id":"1","guild_id":"1","content":5}`), 1},
		"message list":          {event("MESSAGE_CREATE", `[]`), 1},
		"channel null":          {event("CHANNEL_UPDATE", `null`), 1},
		"channel created null":  {event("CHANNEL_CREATE", `null`), 1},
		"thread deleted null":   {event("THREAD_DELETE", `null`), 1},
		"threads null":          {event("THREAD_LIST_SYNC", `null`), 0},
		"threads of numbers":    {event("THREAD_LIST_SYNC", `{"guild_id":5,"threads":[]}`), 1},
		"voice server":          {event("VOICE_SERVER_UPDATE", `{"guild_id":"1","endpoint":"x"}`), 0},
		"ready null":            {event("PRESENCE_UPDATE", `null`), 0},
		"an enormous event":     {event("SOMETHING_NEW", `"`+strings.Repeat("x", 9<<20)+`"`), 0},
		"an enormous guild":     {event("GUILD_CREATE", `{"id":"5","x":"`+strings.Repeat("x", 9<<20)+`"}`), 0},
		"one beyond all bounds": {event("GUILD_CREATE", `{"id":"5","x":"`+strings.Repeat("x", 11<<20)+`"}`), 1},
	}
	l := quick()
	l.payload = 10 << 20
	r := newFaultRig(t, simulator.Options{})
	r.run(r.options(), l)
	r.ready(1)
	conn := r.conn()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := r.tracker.Status().Rejected
			test.send(conn)
			r.hears("after " + name)
			if n := r.tracker.Status().Rejected - before; n != test.rejected {
				t.Errorf("%d rejected, want %d", n, test.rejected)
			}
			if s := r.sim.Stats(); s.Connections != 1 {
				t.Fatalf("there were %d connections, want 1", s.Connections)
			}
		})
	}
	r.complete(everywhere)
	if n := r.log.count("cannot be read"); n != 1 {
		t.Errorf("%d lines tell of it, want one a minute", n)
	}
	r.stopped()
}

// What trying again does not change ends Run with one line that says what to do.
func TestRunIsRefused(t *testing.T) {
	type test struct {
		before, after func(s *simulator.Server)
		says          string
	}
	tests := map[string]test{
		"the token is wrong from the start":  {before: func(s *simulator.Server) { s.SetToken("another") }, says: "Reset Token"},
		"the token is reset meanwhile":       {after: func(s *simulator.Server) { s.SetToken("another"); cutAll(s) }, says: "Reset Token"},
		"the intent is not allowed":          {before: func(s *simulator.Server) { s.SetPrivileged(0) }, says: "MESSAGE CONTENT INTENT"},
		"code 4004 to the IDENTIFY":          {before: refuse(4004), says: "Reset Token"},
		"code 4010 to the IDENTIFY":          {before: refuse(4010), says: "ROLLCALL_SHARD_IDS"},
		"code 4011 to the IDENTIFY":          {before: refuse(4011), says: "ROLLCALL_SHARDS"},
		"code 4012 to the IDENTIFY":          {before: refuse(4012), says: "newer rollcall"},
		"code 4013 to the IDENTIFY":          {before: refuse(4013), says: "newer rollcall"},
		"code 4014 to the IDENTIFY":          {before: refuse(4014), says: "MESSAGE CONTENT INTENT"},
		"code 4004 after READY":              {after: closeAll(4004), says: "Reset Token"},
		"code 4010 after READY":              {after: closeAll(4010), says: "ROLLCALL_SHARD_IDS"},
		"code 4011 after READY":              {after: closeAll(4011), says: "ROLLCALL_SHARDS"},
		"code 4012 after READY":              {after: closeAll(4012), says: "newer rollcall"},
		"code 4013 after READY":              {after: closeAll(4013), says: "newer rollcall"},
		"code 4014 after READY":              {after: closeAll(4014), says: "MESSAGE CONTENT INTENT"},
		"401 from /gateway":                  {before: func(s *simulator.Server) { s.EveryREST(simulator.RouteGateway, simulator.Status(401)) }, says: "Reset Token"},
		"401 from /gateway/bot":              {before: func(s *simulator.Server) { s.EveryREST(simulator.RouteGatewayBot, simulator.Status(401)) }, says: "Reset Token"},
		"code 4004 after a failed heartbeat": {after: func(s *simulator.Server) { s.Every(simulator.AtResume, simulator.CloseWith(4004)); cutAll(s) }, says: "Reset Token"},
	}
	together(t, tests, func(t *testing.T, test test) {
		r := newFaultRig(t, simulator.Options{})
		if test.before != nil {
			test.before(r.sim)
		}
		r.run(r.options(), quick())
		if test.after != nil {
			r.ready(1)
			r.hears("before")
			test.after(r.sim)
		}
		err := r.wait()
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Run returned %q, want one line with %q", err, test.says)
		}
		if token := r.sim.Token(); strings.Contains(err.Error(), token) || r.log.count(token) > 0 {
			t.Error("the token was told")
		}
		if test.after != nil {
			r.complete(everywhere)
		}
	})
}

func refuse(code int) func(*simulator.Server) {
	return func(s *simulator.Server) { s.Every(simulator.AtIdentify, simulator.CloseWith(code)) }
}

func closeAll(code int) func(*simulator.Server) {
	return func(s *simulator.Server) {
		for _, c := range s.Conns() {
			c.Close(code, "because")
		}
	}
}

func cutAll(s *simulator.Server) {
	for _, c := range s.Conns() {
		c.Cut()
	}
}
