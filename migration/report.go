package migration

import (
	"log/slog"

	"rollcall/store"
)

// reportLimit bounds how many things are remembered as reported. Beyond it all
// are forgotten, and what is still wrong is named once more.
const reportLimit = 10_000

// reporter names each thing that is wrong once, and again only when what is
// wrong with it changes: a pass comes by every few seconds.
type reporter struct {
	log   *slog.Logger
	known map[string]string // path → what was last said about it
	// broken, if it is not nil, gathers what could not be read to its end.
	broken *brokenFiles
}

// brokenLimit bounds how many files that could not be read are listed.
const brokenLimit = 1000

// brokenFiles are the first brokenLimit of them, and how many there are.
type brokenFiles struct {
	paths []string
	n     int64
}

// incomplete is trouble with something that should be read.
func (r *reporter) incomplete(path string, err error) {
	r.trouble(path, err)
	if b := r.broken; b != nil {
		if b.n++; len(b.paths) < brokenLimit {
			b.paths = append(b.paths, path)
		}
	}
}

// trouble says that the thing at path (below the root) cannot be used, and why.
func (r *reporter) trouble(path string, err error) {
	reason := plain(err).Error() // the path below the root stands beside it
	if r.isNew(path, reason) {
		r.log.Warn("cannot read this part of the logs; going on without it, it is tried again in each pass", "path", path, "reason", reason)
	}
}

// root says that the root itself cannot be used.
func (r *reporter) root(path string, err error) {
	if r.isNew(path, err.Error()) {
		r.log.Warn("no logs to migrate until their folder can be read", "error", err)
	}
}

// once says something about path unless it was the last thing said about it.
func (r *reporter) once(path, what string, args ...any) {
	if r.isNew(path, what) {
		r.log.Warn(what, append([]any{"path", path}, args...)...)
	}
}

// malformed names the first malformed line of a file.
func (r *reporter) malformed(q store.Quarantined) {
	if r.isNew("a line of "+q.File, "") {
		r.log.Warn("a malformed line is left out; what more this file has is counted, and listed by rollcall state",
			"path", q.File, "offset", q.Offset, "reason", q.Reason)
	}
}

func (r *reporter) isNew(path, what string) bool {
	if said, ok := r.known[path]; ok && said == what {
		return false
	}
	if len(r.known) >= reportLimit {
		clear(r.known)
	}
	r.known[path] = what
	return true
}

// fine forgets what was said about path.
func (r *reporter) fine(path string) { delete(r.known, path) }
