package metrics

import (
	"strconv"

	"rollcall/internal/health"
	"rollcall/store"
	"rollcall/tracker"
)

// trackerMetrics tell of the way from Discord to the store.
func trackerMetrics() []metric {
	return []metric{
		gauge("queue_messages", "Entries between the gateway and the disk.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Writer.Queue) })),
		gauge("queue_max_messages", "As many entries as there may be in the queue; then the gateway waits.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Writer.QueueMax) })),
		gauge("queue_oldest_seconds", "For how long the oldest entry has waited, or the writer has not moved; 0 if nothing waits.", ofTracker(func(t *tracker.Status) float64 { return t.Writer.Delay })),
		histogram("queue_wait_seconds", "How long live messages took from the gateway to the disk.", func(r *health.Report) (store.Distribution, bool) {
			if r.Tracker == nil {
				return store.Distribution{}, false
			}
			return r.Tracker.Writer.Wait, true
		}),

		gauge("gateway_state", "1 for the state that a shard is in.", eachShard(func(s *tracker.ShardStatus, shard string, set setter) {
			for _, state := range []string{tracker.ShardStopped, tracker.ShardConnecting, tracker.ShardConnected, tracker.ShardWaiting} {
				set(flag(s.State == state), shard, state)
			}
		}), "shard", "state"),
		counter("gateway_identifies_total", "IDENTIFYs, of which Discord allows a thousand a day.", eachShard(func(s *tracker.ShardStatus, shard string, set setter) {
			set(float64(s.Identifies), shard)
		}), "shard"),
		counter("gateway_sessions_total", "Sessions that were started (READY).", eachShard(func(s *tracker.ShardStatus, shard string, set setter) {
			set(float64(s.Sessions), shard)
		}), "shard"),
		counter("gateway_resumes_total", "Sessions that were resumed (RESUMED).", eachShard(func(s *tracker.ShardStatus, shard string, set setter) {
			set(float64(s.Resumes), shard)
		}), "shard"),
		counter("gateway_reconnects_total", "Connections, and attempts, that were followed by another one, by what ended them: Discord's closing code or a word.", eachShard(func(s *tracker.ShardStatus, shard string, set setter) {
			for cause, n := range s.Ended {
				set(float64(n), shard, cause)
			}
		}), "shard", "cause"),
		counter("gateway_events_total", "Events that were taken in, of the kinds that matter.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Events) })),
		counter("gateway_rejected_payloads_total", "Payloads that could not be read and were left out.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Rejected) })),
		gauge("gateway_guilds", "Guilds that Discord has told of.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Guilds) })),
		gauge("gateway_channels", "Channels and threads that Discord has told of.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Channels) })),
		gauge("unreadable_channels", "Channels that are to be recorded and that the bot may not read, by what it lacks: hidden (Discord hides them), view, or history.", func(r *health.Report, set setter) {
			if r.Tracker != nil {
				set(float64(r.Channels.Hidden), "hidden")
				set(float64(r.Channels.Unreadable), "view")
				set(float64(r.Channels.NoHistory), "history")
			}
		}, "reason"),

		counter("rest_requests_total", "Requests to Discord's REST interface by the class of the answer; 429 is not among 4xx, and none is no answer.", func(r *health.Report, set setter) {
			if r.Tracker != nil {
				for code, n := range r.Tracker.REST {
					set(float64(n), code)
				}
			}
		}, "code"),

		gauge("gaps_open", "Gaps that are being filled, or wait for their turn.", func(r *health.Report, set setter) {
			set(float64(r.Gaps.Open))
		}),
		gauge("gaps_waiting", "Open gaps that are not being filled since the bot may not read their channels.", func(r *health.Report, set setter) {
			set(float64(r.Gaps.Waiting))
		}),
		gauge("gaps_oldest_open_seconds", "For how long the oldest open gap has been to be filled; 0 if none is open.", func(r *health.Report, set setter) {
			if r.Gaps.Oldest == 0 {
				set(0)
				return
			}
			set(seconds(r.At - r.Gaps.Oldest))
		}),
		counter("gaps_closed_total", "Gaps that were filled, or skipped because they cannot be.", func(r *health.Report, set setter) {
			if r.Tracker != nil {
				set(float64(r.Tracker.Backfill.Filled), "filled")
				set(float64(r.Tracker.Backfill.Skipped), "skipped")
			}
		}, "state"),
		gauge("content_withheld", "1 while Discord withholds what people write.", ofTracker(func(t *tracker.Status) float64 { return flag(t.Content.Withheld) })),
		gauge("history_failing", "1 if Discord's history gave no answer the last time it was asked.", ofTracker(func(t *tracker.Status) float64 { return flag(t.Backfill.Failing) })),
		gauge("history_channels", "ROLLCALL_BACKFILL=all: channels, and once for each guild its archived threads, that have been read back to their beginning, and that are left.", ofCrawl(func(b *tracker.BackfillStatus, set setter) {
			set(float64(b.HistoryDone), "done")
			set(float64(b.History), "left")
		}), "state"),
		gauge("history_messages", "ROLLCALL_BACKFILL=all: messages that were found on the way back.", ofCrawl(func(b *tracker.BackfillStatus, set setter) {
			set(float64(b.HistoryFound))
		})),
		gauge("recheck_guilds", "Guilds whose recent past is being read once more, or waits for it.", ofTracker(func(t *tracker.Status) float64 { return float64(t.Recheck.Guilds) })),
		counter("recheck_messages_total", "Messages of which that told what nobody had heard: they were deleted, edited, or no gap told of them.", func(r *health.Report, set setter) {
			if r.Tracker != nil {
				set(float64(r.Tracker.Recheck.Deletions), "deleted")
				set(float64(r.Tracker.Recheck.Edits), "edited")
				set(float64(r.Tracker.Recheck.Found), "found")
			}
		}, "what"),
	}
}

func ofTracker(value func(*tracker.Status) float64) values {
	return func(r *health.Report, set setter) {
		if r.Tracker != nil {
			set(value(r.Tracker))
		}
	}
}

func eachShard(tell func(s *tracker.ShardStatus, shard string, set setter)) values {
	return func(r *health.Report, set setter) {
		if r.Tracker == nil {
			return
		}
		for i := range r.Tracker.Shards {
			s := &r.Tracker.Shards[i]
			tell(s, strconv.Itoa(s.Shard), set)
		}
	}
}

func ofCrawl(tell func(b *tracker.BackfillStatus, set setter)) values {
	return func(r *health.Report, set setter) {
		if r.Tracker != nil && r.Tracker.Backfill.Mode == "all" {
			tell(&r.Tracker.Backfill, set)
		}
	}
}
