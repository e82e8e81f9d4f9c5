package simulator

import "context"

// publish gives an event to every session that wants it. s.mu is held.
func (s *Server) publish(e event) {
	if s.postpones(e) {
		return
	}
	lost := s.loses(e.name)
	for _, ss := range s.sessions {
		if !ss.wants(e) {
			continue
		}
		f := frame{e.name, e.data}
		if e.bare != nil && ss.intents&IntentMessageContent == 0 {
			f.data = e.bare
		}
		if lost {
			f.data = nil
		}
		s.push(ss, f)
	}
	s.forgetLost()
	s.changed.Broadcast()
}

// publish tells the sessions of something in the guild. Of a guild that the bot has left, and
// during an outage, they hear nothing. s.mu is held.
func (g *Guild) publish(name string, data []byte, needs Intents) {
	if !g.removed && !g.unavailable {
		g.s.publish(event{name: name, guild: g.ID, needs: needs, data: data})
	}
}

// publishMessage sends an event that carries the message, to those who may see it. s.mu is held.
func (c *Channel) publishMessage(name string, m *message) {
	if len(c.s.sessions) == 0 || !c.audible() {
		return
	}
	e := event{name: name, guild: c.guildID(), data: m.append(nil, c.s.view(m, viewGateway))}
	if c.guild != nil {
		e.needs = IntentGuildMessages
		for _, ss := range c.s.sessions {
			if ss.intents&IntentMessageContent == 0 && e.bare == nil {
				e.bare = m.append(nil, viewGateway|viewBare)
			}
		}
	}
	c.s.publish(e)
}

// publishDeleted tells of deleted messages. s.mu is held.
func (c *Channel) publishDeleted(ids []ID) {
	if !c.audible() {
		return
	}
	e := event{name: "MESSAGE_DELETE", guild: c.guildID(), data: renderDelete(c, ids)}
	if len(ids) > 1 {
		e.name = "MESSAGE_DELETE_BULK"
	}
	if c.guild != nil {
		e.needs = IntentGuildMessages
	}
	c.s.publish(e)
}

// audible reports whether what is said here is sent to the bot.
func (c *Channel) audible() bool {
	return c.visible() && (c.guild == nil || !c.guild.removed && !c.guild.unavailable)
}

// awaitRoom waits until no session that hears of the channel's messages has a full queue. s.mu is
// held, and released while it waits.
func (c *Channel) awaitRoom(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.s.await(ctx, func() bool {
		for _, ss := range c.s.sessions {
			if ss.unsent() >= c.s.o.Queue && ss.listening() && ss.handles(c.guildID()) {
				return false
			}
		}
		return true
	})
}

func (c *Channel) guildID() ID {
	if c.guild == nil {
		return 0
	}
	return c.guild.ID
}
