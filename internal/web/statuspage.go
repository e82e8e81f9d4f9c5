package web

import (
	"maps"
	"net/http"
	"slices"

	"rollcall/internal/health"
)

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) error {
	var report health.Report
	if _, err := s.get(r, "/v1/status", nil, &report); err != nil {
		return err
	}
	d := struct {
		health.Report
		Names               []string // of the parts
		LogBytes, LogRead   int64
		LogFiles, FilesRead int
	}{Report: report, Names: slices.Sorted(maps.Keys(report.Parts))}
	if m := report.Migration; m != nil {
		for _, g := range m.Guilds {
			d.LogBytes, d.LogRead = d.LogBytes+g.Bytes, d.LogRead+g.BytesRead
			d.LogFiles, d.FilesRead = d.LogFiles+g.Files, d.FilesRead+g.FilesRead
		}
	}
	return s.render(w, r, http.StatusOK, "status.html", "Status", d)
}
