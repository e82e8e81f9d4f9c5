package api

import (
	"net/url"
	"strings"
)

// Path returns the path of the API that has these elements below /v1, each of which
// is one segment whatever it holds. It is escaped as in an address.
func Path(elements ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, element := range elements {
		b.WriteString("/" + segment(element))
	}
	return b.String()
}

// GuildPath is the path of what is asked about a guild, which is called by id or name.
func GuildPath(guild string, more ...string) string {
	return Path(append([]string{"guilds", guild}, more...)...)
}

// UserPath is the path of what is asked about a person.
func UserPath(user string, more ...string) string {
	return Path(append([]string{"users", user}, more...)...)
}

// segment escapes what PathEscape leaves as it is although a path without it means
// something else: a segment of one dot or two.
func segment(text string) string {
	if text == "." || text == ".." {
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}
