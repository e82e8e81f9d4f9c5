// Package rules is the home of the operator's rules: in which guilds and channels
// messages are recorded, and what is kept of a message that is. They come from the
// environment and from a file for each guild, which is read again when it changes.
//
//	r, err := rules.New(rules.Options{ChannelsDeny: denied, OptOut: people, Log: log})
//	r.Allowed(guild, channel, parent) // for what comes from Discord
//	keep, err := r.Apply(&record)     // for every record, from whichever side
//
// The tracker asks both questions. The migration asks the second one alone: which
// channels the bot before us was to log was decided then.
package rules
