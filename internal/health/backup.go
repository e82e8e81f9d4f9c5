package health

import (
	"fmt"
	"time"

	"rollcall/store"
)

// Backup is how the backups go that the daemon makes by itself.
type Backup struct {
	Interval time.Duration `json:"-"`
	// Last is when the newest backup that stands was begun; 0: there is none.
	Last  store.Micros  `json:"last_at,omitzero"`
	Size  int64         `json:"size_bytes,omitempty"` // of that one
	Took  time.Duration `json:"-"`                    // to make it
	Error string        `json:"error,omitempty"`      // of the last attempt, one line; empty: it succeeded
}

// backupPart has failed, too, if a backup is a whole interval late.
func backupPart(b *Backup, now store.Micros) Part {
	age := "there is none yet"
	if b.Last != 0 {
		age = fmt.Sprintf("the last one is %s old, %s", Span(between(b.Last, now)), Size(b.Size))
	}
	switch {
	case b.Error != "":
		return Part{Failed, fmt.Sprintf("the last backup failed: %s; %s", b.Error, age)}
	case b.Last != 0 && between(b.Last, now) > 2*b.Interval:
		return Part{Failed, "backups are late: " + age}
	}
	return Part{OK, age}
}
