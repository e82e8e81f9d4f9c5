package health

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusEvery is how often systemd is told how the daemon is, if that has changed.
const statusEvery = 10 * time.Second

// Notify tells systemd, if it has started us, that the daemon is ready and how it is,
// feeds its watchdog while the writer is not stalled, and says that the daemon stops
// when the context is done. Only then it returns, nil.
func (v *Vitals) Notify(ctx context.Context, log *slog.Logger) error {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		<-ctx.Done()
		return nil
	}
	tell := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("systemd cannot be told", "state", state, "error", err)
		}
	}
	tell(daemon.SdNotifyReady)
	defer tell(daemon.SdNotifyStopping)
	// News are told beside the watchdog: it must be fed while the store is busy.
	var news sync.WaitGroup
	news.Go(func() { v.tellNews(ctx, tell) })
	defer news.Wait()
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

// tellNews tells how the daemon is, now and when that has changed.
func (v *Vitals) tellNews(ctx context.Context, tell func(string)) {
	ticks := time.NewTicker(v.every)
	defer ticks.Stop()
	for last := ""; ; {
		if status := v.status(ctx); status != last && ctx.Err() == nil {
			tell("STATUS=" + status)
			last = status
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// status is one line, as systemd wants it.
func (v *Vitals) status(ctx context.Context) string {
	r := v.Report(ctx)
	return strings.Map(func(c rune) rune {
		if c < ' ' {
			return ' '
		}
		return c
	}, r.Summary())
}
