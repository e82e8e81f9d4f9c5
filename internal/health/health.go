package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

// stallLimit is how long work may wait, beyond the time that it is meant to
// gather, before the writer counts as stalled.
const stallLimit = 30 * time.Second

// Sources are what tells of itself. Functions may be nil: that part does not run.
type Sources struct {
	Store          *store.DB
	Tracker        func() tracker.Status
	CommitInterval time.Duration // of the tracker
	Migration      func() migration.Status
	Backup         func() Backup
	// Daemon is nil if the file is all there is to ask.
	Daemon *Daemon
}

// Vitals tells how the daemon is. Its methods may be called from any goroutine.
type Vitals struct {
	from  Sources
	every time.Duration // statusEvery, shorter in tests
}

// New returns the vitals of the sources.
func New(from Sources) *Vitals { return &Vitals{from, statusEvery} }

// States of a Part.
const (
	OK     = "ok"
	Off    = "off"    // it does not run, as the operator wants it
	Failed = "failed" // somebody is needed, or patience
)

// Part is how one part of the daemon is.
type Part struct {
	Status string `json:"status"`
	Detail string `json:"detail,omitempty"` // one line
}

// Condition is an answer to one of the questions of this package.
type Condition struct {
	// Parts by name: store, writer, disk, gateway, backup, and content while Discord
	// withholds what people write.
	Parts map[string]Part
	// Wrong says, in one line, why the answer is no; nil: it is yes.
	Wrong error
}

// judge says no if one of the named parts has failed.
func judge(parts map[string]Part, decisive ...string) Condition {
	var wrong []string
	for _, name := range decisive {
		if p := parts[name]; p.Status == Failed {
			wrong = append(wrong, p.Detail)
		}
	}
	c := Condition{Parts: parts}
	if len(wrong) > 0 {
		c.Wrong = errors.New(strings.Join(wrong, "; "))
	}
	return c
}

// Alive reports whether nothing is wrong with the file, the disk and the writer, and
// whether Discord tells what people write.
func (v *Vitals) Alive(ctx context.Context) Condition {
	parts := v.Report(ctx).Parts
	delete(parts, "gateway")
	delete(parts, "backup")
	return judge(parts, "store", "writer", "disk", "content")
}

// Ready reports whether the daemon takes in messages, or would if it was asked to. A
// backup that has failed is told of and does not make it unready.
func (v *Vitals) Ready(ctx context.Context) Condition {
	return judge(v.Report(ctx).Parts, "store", "gateway", "writer", "disk", "content")
}

// Stalled reports whether messages wait and the writer does not move.
func (v *Vitals) Stalled() bool {
	return v.from.Tracker != nil && v.stalled(v.from.Tracker().Writer)
}

func (v *Vitals) stalled(w tracker.WriterStatus) bool {
	return w.Delay > (stallLimit + v.from.CommitInterval).Seconds()
}

// parts judges what a report says.
func (v *Vitals) parts(r *Report, storeError error) map[string]Part {
	parts := map[string]Part{
		"store": {OK, ""}, "disk": diskPart(r), "gateway": {Off, "tracking is off"}, "writer": {Off, "tracking is off"},
	}
	if storeError != nil {
		parts["store"] = Part{Failed, storeError.Error()}
	}
	if t := r.Tracker; t != nil {
		parts["gateway"] = gatewayPart(t)
		parts["writer"] = Part{OK, waiting(t.Writer)}
		if v.stalled(t.Writer) {
			parts["writer"] = Part{Failed, fmt.Sprintf("the writer has made no progress for %.0f s while messages wait", t.Writer.Delay)}
		}
	}
	if t := r.Tracker; t != nil && t.Content.Withheld {
		parts["content"] = Part{Failed, "Discord withholds what people write: request the MESSAGE CONTENT intent, or turn it on, in the developer portal"}
	}
	if r.Backup != nil {
		parts["backup"] = backupPart(r.Backup, r.At)
	}
	return parts
}

func diskPart(r *Report) Part {
	switch {
	case r.Tracker != nil && r.Tracker.Writer.DiskFull:
		return Part{Failed, fmt.Sprintf("the disk is full: %d messages wait for room, nothing is lost yet", r.Tracker.Writer.Queue)}
	case r.Database.Full:
		return Part{Failed, "the disk is full: the last commit found no room"}
	case r.Database.DiskFree == nil:
		return Part{OK, ""}
	}
	free := Size(*r.Database.DiskFree) + " free"
	if r.Migration != nil && r.Migration.Waiting {
		return Part{OK, free + "; the migration waits for more, and leaves this to live messages"}
	}
	return Part{OK, free}
}

func gatewayPart(t *tracker.Status) Part {
	switch {
	case len(t.Shards) == 0 && t.Unreached != "":
		return Part{Failed, "the gateway of Discord has not been found yet: " + t.Unreached}
	case len(t.Shards) == 0:
		return Part{Failed, "the gateway of Discord has not been found yet"}
	}
	for _, s := range t.Shards {
		switch {
		case s.State == tracker.ShardConnected:
		case s.Reason != "":
			return Part{Failed, fmt.Sprintf("shard %d is %s: %s", s.Shard, s.State, s.Reason)}
		default:
			return Part{Failed, fmt.Sprintf("shard %d is %s", s.Shard, s.State)}
		}
	}
	return Part{OK, fmt.Sprintf("%s connected", count(int64(len(t.Shards)), "shard"))}
}
