package simulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// agentForm is what Discord asks of a bot's User-Agent: "DiscordBot ($url, $versionNumber)".
var agentForm = regexp.MustCompile(`^DiscordBot \(https?://[^ ,()]+, [^ ,()]+\)`)

// checkAgent counts a request whose User-Agent is not of the form that Discord asks for.
func (s *Server) checkAgent(r *http.Request) {
	if agentForm.MatchString(r.UserAgent()) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.BadAgents++
}

// badProperties reports whether an IDENTIFY's properties are not those that Discord documents:
// os, browser and device, each of them told, and none of the old names with a dollar sign.
func badProperties(raw json.RawMessage) bool {
	var all map[string]string
	if json.Unmarshal(raw, &all) != nil {
		return true
	}
	for name := range all {
		if strings.HasPrefix(name, "$") {
			return true
		}
	}
	return all["os"] == "" || all["browser"] == "" || all["device"] == ""
}
