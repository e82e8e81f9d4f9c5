package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"rollcall/tracker"
)

// stallLimit is how long work may wait, beyond the time that it is meant to
// gather, before the writer counts as stalled.
const stallLimit = 30 * time.Second

// Vitals tells how the daemon is. Its methods may be called from any goroutine.
type Vitals struct {
	status   func() tracker.Status
	interval time.Duration
}

// New returns the vitals of a tracker that reports its status by a function (nil:
// tracking is off) and commits every interval.
func New(status func() tracker.Status, interval time.Duration) *Vitals {
	return &Vitals{status: status, interval: interval}
}

// Healthy returns what is wrong, nil if nothing is.
func (v *Vitals) Healthy() error {
	if v.status == nil {
		return nil
	}
	if v.Stalled() {
		return fmt.Errorf("the writer has made no progress for %.0f s while messages wait", v.status().Writer.Delay)
	}
	if w := v.status().Writer; w.DiskFull {
		return fmt.Errorf("the disk is full: %d messages wait for room, nothing is lost yet", w.Queue)
	}
	return nil
}

// Ready returns why the daemon does not take in messages, nil if it does or is not
// asked to.
func (v *Vitals) Ready() error {
	if v.status == nil {
		return nil
	}
	shards := v.status().Shards
	if len(shards) == 0 {
		return errors.New("the gateway of Discord has not been found yet")
	}
	for _, s := range shards {
		if s.State == "connected" {
			continue
		}
		if s.Reason != "" {
			return fmt.Errorf("shard %d is %s: %s", s.Shard, s.State, s.Reason)
		}
		return fmt.Errorf("shard %d is %s", s.Shard, s.State)
	}
	return v.Healthy()
}

// Stalled says whether messages wait and the writer does not move.
func (v *Vitals) Stalled() bool {
	return v.status != nil && v.status().Writer.Delay > (stallLimit+v.interval).Seconds()
}

// Notify tells systemd, if it has started us, that the daemon is ready, feeds its
// watchdog while the writer is not stalled, and says that the daemon stops when
// the context is done. Only then it returns, nil.
func (v *Vitals) Notify(ctx context.Context, log *slog.Logger) error {
	tell := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("systemd cannot be told", "state", state, "error", err)
		}
	}
	tell(daemon.SdNotifyReady)
	defer tell(daemon.SdNotifyStopping)
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the watchdog is not fed", "error", err)
	}
	if limit == 0 || err != nil {
		<-ctx.Done()
		return nil
	}
	ticks := time.NewTicker(limit / 2)
	defer ticks.Stop()
	for {
		if v.Stalled() {
			log.Error("the watchdog is not fed: the writer is stalled")
		} else {
			tell(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}
