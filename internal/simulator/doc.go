// Package simulator is a Discord of our own on loopback: a gateway and the part of REST that a
// tracker needs, with a world of guilds, channels, threads, people and messages behind them.
// End-to-end tests and the demo run against it. It speaks what Discord documents of API v9 and v10,
// as far as discordgo uses it.
//
//	s, err := simulator.Start(simulator.Options{})
//	guild := s.AddGuild(simulator.GuildSpec{Name: "Lounge"})
//	general := guild.AddChannel(simulator.ChannelSpec{Name: "general"})
//	ada := s.AddUser(simulator.UserSpec{Name: "Ada"})
//	m, err := general.Say(ctx, ada, "hello")   // m is what a tracker should have stored
//
// # How a client gets here
//
// A client sends its REST requests to Server.URL instead of https://discord.com (any /api/v*/ path)
// with the header "Authorization: Bot " and Server.Token, and connects to the websocket that
// /gateway names. Nothing listens anywhere but on 127.0.0.1, unless Options.Listen asks for it.
//
// # The world
//
// Guild, Channel and User are handles; their methods change the world, and every change is told to
// the sessions as Discord tells it. A message that is posted is in the history whether or not
// anybody is connected. Ids are snowflakes of the moment, growing, and a message's timestamp is
// that of its id, to the millisecond. A Chatter fills the world with lively talk at a given rate.
//
// What a snapshot tells need not be the newest: SetLastMessage, Options.EditsMoveLast and
// SubscribeAfter make last_message_id stale, Draft.Late ids out of order, Draft.Bulk a page
// of the history as large as no client expects.
//
// # Permissions
//
// What the bot may view and read follows from the guild's roles, the owner and the channels'
// overwrites as on Discord; SetAccess is the short way. A change is told as Discord tells it: the
// event of the role, the member or the channel, then CHANNEL_UPDATE of every other channel that
// is hidden or shown by it, and THREAD_LIST_SYNC of those that are shown. Options.Hiding says what is told of
// a channel that the bot may not view.
//
// # Sessions
//
// Each session keeps its latest events by number: those that wait to be sent and, of the others, as
// many as Options.Replay for a RESUME. Post waits while a session that listens has Options.Queue
// events to be sent, so a slow client slows the posters and loses nothing; one that reads nothing
// for 30 s is cut off. A session without a connection, or with a silent one, makes nobody wait;
// when events are forgotten that it was never sent, its RESUME fails. A message counts as posted
// at one moment for the history and for every session.
//
// # Faults
//
// Phases of a connection (Next, Every with an Action), REST routes (NextREST, EveryREST with an
// Answer) and the methods of Conn make everything go wrong that goes wrong with Discord:
//
//	s.Next(simulator.AtHello, simulator.Withhold)       // no HELLO for the next connection
//	s.Next(simulator.AtReady, simulator.AskReconnect)   // op 7 instead of READY
//	s.Every(simulator.AtResume, simulator.Refuse(false))
//	s.NextREST(simulator.RouteMessages, simulator.RateLimited(time.Second, true))
//	for _, c := range s.Conns() { c.Close(4000, "") }
//
// Events come out of order with Postpone, without what people write with WithholdContent, and to a
// RESUME at another address with Options.ResumeElsewhere. Stats counts what is against Discord's
// manners: BadAgents, BadProperties, Hasty.
//
// # Waiting
//
// Stats counts what has happened, Wait waits for it, and nothing needs to sleep.
//
// # What it leaves out
//
// Everything that writes through REST, voice, presences, lists of members, zstd-stream and ETF, the
// limit on a client's commands (4008), and every permission but those that reading depends on.
package simulator
