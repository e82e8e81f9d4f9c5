// Package doctor looks for what keeps a rollcall from recording: the token, the intents and
// the permissions as Discord tells them, and the folders, the disk, the clock, the file, the
// socket and the service of this machine.
//
// It changes nothing, and asks Discord over REST alone: it does not IDENTIFY, so that it
// costs none of the day's session starts and a daemon that runs goes on. Discord's list of a
// guild's channels leaves out those that are hidden from the bot; the memory knows them from
// the gateway, and tells of them through Options.Unreadable.
package doctor

// Check is what was found of one thing.
type Check struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // one line
	Fix    string `json:"fix"`    // what to do, "" where all is well
}

// The names of the checks, in the order in which they are told.
const (
	Token       = "token"
	Intents     = "intents"
	Permissions = "permissions" // one for each channel with something amiss
	Folders     = "folders"
	Disk        = "disk"
	Clock       = "clock"
	File        = "file"
	Socket      = "socket"
	Service     = "service"
)

func good(name, detail string) Check     { return Check{name, true, detail, ""} }
func bad(name, detail, fix string) Check { return Check{name, false, detail, fix} }
