package tracker

import "time"

// limits bound every wait on the gateway. Tests shorten them.
type limits struct {
	silence  time.Duration // without a byte from Discord, before the connection is given up
	open     time.Duration // from the first packet to READY, and between two events before it
	ackSlack time.Duration // beyond two heartbeats, for an ACK
	payload  int           // bytes of one message, before and after decompression
	closing  time.Duration // for discordgo, whose Close sleeps a second, to leave a connection
	watch    time.Duration // between two looks at a session

	subscribe time.Duration // subscribeTime

	firstRetry time.Duration // the longest wait before the first attempt to connect again
	lastRetry  time.Duration // the longest wait after many
	soon       time.Duration // the longest wait before what costs nothing: a RESUME, or an IDENTIFY after op 9
	unreached  time.Duration // the longest wait before a gateway that did not answer is tried again
	stable     time.Duration // a connection that lasted so long begins a new count of attempts
	intents    time.Duration // between two looks at whether the intents are still enough
	hold       time.Duration // for messages of a channel that nobody has described, see hold
	identify   time.Duration // between two IDENTIFYs that share a place in max_concurrency
	stop       time.Duration // for the handlers to hand over what they hold, once stopped
}

// gatewayLimits are those of a real Discord.
func gatewayLimits() limits {
	return limits{
		silence:  90 * time.Second, // heartbeats are answered every 41.25 s
		open:     30 * time.Second,
		ackSlack: 10 * time.Second,
		payload:  64 << 20, // ten times the GUILD_CREATE of a guild with all that it may have
		closing:  3 * time.Second,
		watch:    time.Second,

		firstRetry: 500 * time.Millisecond,
		lastRetry:  time.Minute,
		soon:       5 * time.Second, // Discord's documentation, op 9: 1 to 5 s
		unreached:  15 * time.Second,
		stable:     time.Minute,
		intents:    30 * time.Second,
		hold:       holdFor,
		identify:   5 * time.Second, // Discord's documentation, "Rate Limiting" of the gateway
		stop:       5 * time.Second,
	}
}
