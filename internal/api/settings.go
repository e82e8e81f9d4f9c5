package api

import "net/http"

// SettingsPath tells how the daemon is configured, secrets hidden: Options.Settings. As what
// is about upkeep, it is for the socket alone.
const SettingsPath = "/v1/settings"

func (s *Server) getSettings(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.Query()) > 0 {
		return problem(http.StatusBadRequest, "there are no parameters here")
	}
	if s.settings == nil {
		return problem(http.StatusNotFound, "there is no daemon whose settings could be told")
	}
	return sendJSON(w, s.settings)
}
