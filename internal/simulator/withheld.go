package simulator

import (
	"slices"
	"strings"
)

// Flags of an application, as READY tells them.
const flagMessageContent = 1 << 18 // the message content intent is approved

// WithholdContent makes Discord withhold what people write, or ends that: messages come without
// text, embeds, attachments and components, over the gateway and over REST, but for the bot's own
// and those that mention it. READY no longer tells the flag of the approved intent, and the intent
// may still be asked for: see SetPrivileged for a gateway that refuses it.
func (s *Server) WithholdContent(withhold bool) { s.WithholdContentOver(withhold, withhold) }

// WithholdContentOver is WithholdContent of each of the two ways. What a session is shown is decided when
// it begins, what REST answers is at once: so one of them may withhold what the other tells.
func (s *Server) WithholdContentOver(gateway, rest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withheld, s.withheldREST = gateway, rest
}

// view returns how a message is shown to who may see it: without its content while that is
// withheld. s.mu is held.
func (s *Server) view(m *message, v view) view {
	withheld := s.withheldREST
	if v&viewGateway != 0 {
		withheld = s.withheld
	}
	if withheld && m.author != s.bot && !m.mentions(s.bot) {
		v |= viewBare
	}
	return v
}

func (m *message) mentions(u *User) bool {
	return strings.Contains(m.content, "<@"+u.ID.String()+">") || m.more != nil && slices.Contains(m.more.mentions, u)
}

// applicationFlags returns what READY tells of the application. s.mu is held.
func (s *Server) applicationFlags() int {
	if s.withheldREST || s.privileged&IntentMessageContent == 0 {
		return 0
	}
	return flagMessageContent
}
