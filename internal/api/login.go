package api

import (
	"net/http"

	"rollcall/store"
)

// Login is a link that signs in whoever opens it first.
type Login struct {
	URL   string       `json:"url"`
	Until store.Micros `json:"expires_at"`
}

// postLogin makes one. It is for the operator, who reaches the socket.
func (s *Server) postLogin(w http.ResponseWriter, _ *http.Request) error {
	if s.login == nil {
		return problem(http.StatusConflict, "the web page is off: set ROLLCALL_LISTEN to an address and ROLLCALL_WEB to true, and restart the daemon")
	}
	link, until := s.login()
	return sendJSON(w, Login{URL: link, Until: store.MicrosOf(until)})
}
