//go:build four

package main

import "rollcall/store"

// four holds what builds can hold since format 4, and what its tracker kept under the ids of
// channels that do not exist: 1 to 4, and those with the highest bit set.
func four(db *store.DB) {
	forward := message(guildA, anna, 100_000, general, "look at this")
	forward.Extra = &store.Extra{Forwarded: &store.Forwarded{Content: "somebody else's words: 转发", Attachments: 2}}
	poll := message(guildA, bert, 101_000, general, "")
	poll.Extra = &store.Extra{Poll: &store.Poll{Question: "when?", Answers: []string{"today", "明天"}}, Stickers: []string{"wave"}}
	inDeleted := message(guildA, ming, 102_000, store.Channel{ID: 904, Name: "deleted"}, "to be redacted with its channel")
	edit := store.Change{Guild: guildA, User: anna, Time: at(110_000), Message: snowflake(at(110_000), 1), Action: store.Edit, Content: "of a message that is not there", Edited: at(111_000)}
	last := func(channel store.ID, m store.Micros) store.ChannelCursor {
		return store.ChannelCursor{Guild: guildA, Channel: channel, Last: snowflake(m, 0)}
	}
	_, err := db.Put(ctx, store.Batch{
		Records:   []store.Record{forward, poll, inDeleted},
		Uncounted: []store.Record{message(guildA, anna, 103_000, general, ""), message(guildB, bert, 104_000, thread, "a title")},
		Accounts:  []store.ID{888888888888888888, 999999999999999999},
		Changes:   []store.Change{edit},
		Deleted:   []store.DeletedChannel{{Guild: guildA, Channel: 904, Action: store.Redact}, {Guild: guildB, Channel: 905, Action: store.Remove}},
		Cursors: []store.ChannelCursor{
			last(1, at(-1000)), last(2, at(104_000)), last(3, at(50_000)), last(4, at(40_000)), last(901|1<<63, at(-500)), last(906|1<<63, at(30_000)),
			{Guild: guildB, Channel: 1, Last: snowflake(at(-2000), 0)},
		},
		Gaps: []store.Gap{
			{Guild: guildA, Channel: 901, After: 901, Until: 5, From: at(-9000), To: at(0), Reason: "before we listened", State: store.GapFilled, Found: 12},
			{Guild: guildA, Channel: guildA, Until: guildA, From: at(-9000), To: at(0), Reason: "before we listened", State: store.GapOpen, Note: "threads archived meanwhile"},
			{Guild: guildA, Channel: guildA, Until: guildA, From: at(0), To: at(9), Reason: "rollcall was not running", State: store.GapOpen, Waits: store.WaitPermission, Note: "threads archived meanwhile: no permission", Parents: []store.ID{902}},
			{Guild: guildA, Channel: 906, Parent: 902, After: 6, Until: 7, From: at(0), To: at(9), Reason: "Discord withheld what was written", State: store.GapOpen},
			{Guild: guildA, Channel: 907, Until: 7, From: at(0), To: at(9), Reason: "the bot was added to the thread", State: store.GapSkipped, Note: "what was written before that is not fetched; ROLLCALL_BACKFILL=all fetches it"},
			{Guild: guildA, Channel: 908, After: 8, Until: 9, From: at(0), To: at(9), Reason: store.ReasonUnreadable, State: store.GapSkipped, Note: "the channel is gone, or not recorded any more"},
		},
		Access: []store.AccessChange{
			{Guild: guildA, Channel: 902, Since: at(105_000), Reason: store.ReasonHidden, Span: &store.Gap{
				Guild: guildA, Channel: 902, After: 7, From: at(105_000), Reason: store.ReasonHidden, State: store.GapOpen, Waits: store.WaitPermission,
				Note: "Discord hides the channel from the bot: it needs View Channel",
			}},
			{Guild: guildB, Channel: 909, Since: at(106_000), Reason: store.ReasonNoHistory},
		},
		Channels: []store.ChannelSeen{{Guild: guildA, Channel: 901, Name: "general", At: at(1), Since: at(-500), After: 4}, {Guild: guildA, Channel: 906, Parent: 902, Name: "a thread, too", At: at(2)}},
		Passed:   []store.Passed{{Guild: guildA, Channel: 901, Message: snowflake(at(107_000), 1), Why: store.UncountedBot}},
	})
	must(err)
}

func knownFour(db *store.DB, keep func(string, any, error)) {
	unreadable, err := db.Unreadable(ctx, 0)
	keep("unreadable", unreadable, err)
	tasks, err := db.Tasks(ctx)
	names := []string{}
	for _, t := range tasks {
		names = append(names, t.String())
	}
	keep("tasks", names, err)
	// What is known of messages: stored, removed, or passed by.
	traces := map[string]string{}
	for _, ms := range []int{75_000, 76_000, 100_000, 103_000, 104_000, 107_000, 108_000} {
		for i := range 7 {
			m := store.MessageAt{Message: snowflake(at(ms), i), Time: at(ms)}
			found, err := db.Lookup(ctx, m)
			must(err)
			switch {
			case found.Record != nil:
				traces[m.Message.String()] = "stored"
			case found.Removed != nil:
				traces[m.Message.String()] = "removed"
			case found.Passed != nil:
				traces[m.Message.String()] = "passed"
			}
		}
	}
	keep("traces", traces, nil)
}

func importLines(db *store.DB, b store.LogBatch) error {
	p, err := db.Prepare(b)
	must(err)
	_, err = db.Commit(ctx, p)
	return err
}
