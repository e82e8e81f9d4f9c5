// Package tracker brings what people write in Discord into the store, live from the
// gateway and afterwards from the history that Discord keeps.
//
//	t, err := tracker.New(tracker.Options{Store: db, Token: token, Log: log})
//	err = t.Run(ctx) // until ctx is done
//
// # The way of a message
//
//		gateway ── wire ── discordgo ── session ── receiver ──▶ queue ── writer ──▶ store
//		           │                      ▲          └▶ hold ─▶┘  ▲         │
//		           └── why it ended ──▶ shard (supervisor)     planner ─────┤ gaps
//		                                  │                                 ▼
//		                                 gate ◀── rest ◀────────────── backfill
//
//	  - wire is the connection: TLS, the websocket's frames, and what of them discordgo
//	    is to see. It knows why a connection ended.
//	  - discordgo does the gateway's protocol: HELLO, IDENTIFY, RESUME, heartbeats.
//	  - session is one session of one shard, with its connections one after another.
//	  - shard keeps a shard connected: backoff, resume or a new session, what is fatal.
//	    gate lets through no more IDENTIFYs than Discord allows.
//	  - access works out what the bot may read, from roles, overwrites and hidden
//	    channels; what it may not waits in the ledger (unreadable, waiting, refusals).
//	  - receiver decodes events, keeps names, asks the rules, and hands messages to the
//	    queue. It waits for nothing but room there, so a full disk holds back the
//	    gateway instead of losing anything.
//	  - hold keeps messages of channels that nobody has described yet, such as a thread's
//	    before its THREAD_CREATE, while Discord is asked; and it asks for missing names.
//	  - writer commits together what has gathered. The planner beside it decides
//	    where a channel's cursor may move, and what becomes a gap in the ledger.
//	  - backfill fetches the gaps from Discord's REST history. contentWatch notices, there
//	    and in what is heard, that Discord withholds what people write.
//
// # What is left to whom
//
// discordgo reconnects nothing, keeps no state, decodes no event into its own types
// and logs nothing: see wire and session for why. Everything that is bounded here is
// bounded by a constant with its reason: the queue, the names, a payload's size, the
// wait for each step (limits).
//
// # Which messages count
//
// message.counts and the package rules are the two halves of the rule, for live
// messages and for those of the history alike.
package tracker
