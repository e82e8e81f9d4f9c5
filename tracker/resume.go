package tracker

import (
	"net"
	"net/url"
	"strings"
)

// resumeAddress returns the address at which READY wants its session to be resumed,
// nil if it is none that may be given the token: it must be Discord's own, under
// discord.gg and encrypted, or on the host that base (Options.DiscordURL) names, and
// encrypted if that is.
func resumeAddress(told string, base *url.URL) *url.URL {
	u, err := url.Parse(told)
	if err != nil || u.User != nil || u.Scheme != "ws" && u.Scheme != "wss" {
		return nil
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "":
		return nil
	case host == "discord.gg" || strings.HasSuffix(host, ".discord.gg"):
		if u.Scheme != "wss" {
			return nil
		}
	case host == strings.ToLower(base.Hostname()):
		if base.Scheme == "https" && u.Scheme != "wss" {
			return nil
		}
	default:
		return nil
	}
	return u
}

// dialAddress returns the host and port of a websocket's address, and whether it is encrypted.
func dialAddress(u *url.URL) (addr string, secure bool) {
	secure = u.Scheme == "wss"
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[secure]
	}
	return net.JoinHostPort(u.Hostname(), port), secure
}

// target returns the address of the next connection if it is not the one that
// discordgo dials: that of READY for a RESUME. Attempts that do not even get to HELLO
// there alternate with the general address.
func (s *session) target() *url.URL {
	if !s.ready || s.general {
		return nil
	}
	return s.resume
}

// noteTarget takes in how the connection to target went.
func (s *session) noteTarget() {
	switch {
	case s.resume == nil || s.greeted:
	default:
		s.general = !s.general
	}
}
