package api

import (
	"net/http"
	"os"
	"path/filepath"
)

// FoldersPath tells where the daemon has what its database is not: for whoever erases a
// person from there, too. As what is about upkeep, it is for the socket alone.
const FoldersPath = "/v1/folders"

// Folders is where a daemon has its logs and backups, and which key its texts have.
type Folders struct {
	Logs    Folder `json:"logs"`
	Backups Folder `json:"backups"`
	Key     string `json:"key"` // as store.DB.KeyID
}

// Folder is a folder as the daemon sees it.
type Folder struct {
	Path   string `json:"path"` // absolute; "": none is configured
	Exists bool   `json:"exists"`
}

func folderAt(path string) (f Folder) {
	if path == "" {
		return f
	}
	if f.Path = path; !filepath.IsAbs(path) {
		if absolute, err := filepath.Abs(path); err == nil {
			f.Path = absolute
		}
	}
	info, err := os.Stat(path)
	f.Exists = err == nil && info.IsDir()
	return f
}

func (s *Server) getFolders(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.Query()) > 0 {
		return problem(http.StatusBadRequest, "there are no parameters here")
	}
	return sendJSON(w, Folders{Logs: folderAt(s.logs), Backups: folderAt(s.backups), Key: s.store.KeyID()})
}
