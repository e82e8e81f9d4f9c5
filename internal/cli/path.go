package cli

import (
	"net/url"
	"strings"
)

// apiPath returns the path of the API that has these elements below /v1, each of which
// is one segment whatever it holds.
func apiPath(elements ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, element := range elements {
		b.WriteString("/" + segment(element))
	}
	return b.String()
}

func guildPath(guild string, more ...string) string {
	return apiPath(append([]string{"guilds", guild}, more...)...)
}

func userPath(user string, more ...string) string {
	return apiPath(append([]string{"users", user}, more...)...)
}

// segment escapes what PathEscape leaves as it is although a path without it means
// something else: a segment of one dot or two.
func segment(text string) string {
	if text == "." || text == ".." {
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}
