package api

import (
	"rollcall/internal/words"
	"rollcall/store"
)

// Record is a stored message as JSON and CSV show it. The fields below Source are
// empty where they are not known; Attachments is known wherever MessageID is. Forwarded
// is what somebody else wrote; where its text is not kept, its number of attachments is.
type Record struct {
	Guild       store.ID     `json:"guild_id"`
	User        store.ID     `json:"user_id"`
	ChannelName string       `json:"channel_name"`
	Content     string       `json:"message_content"`
	Time        store.Micros `json:"timestamp"`
	Source      string       `json:"source"` // live, backfill, log or import
	MessageID   store.ID     `json:"message_id,omitzero"`
	ChannelID   store.ID     `json:"channel_id,omitzero"`
	ReplyToUser store.ID     `json:"reply_to_user_id,omitzero"`
	Attachments *int         `json:"attachments,omitempty"`
	UserName    string       `json:"user_name,omitempty"` // as last seen; only where names are asked for
	Redacted    bool         `json:"redacted,omitempty"`  // there was a text, and it is not kept
	Edited      store.Micros `json:"edited_at,omitzero"`  // when it was edited last

	Forwarded *store.Forwarded `json:"forwarded,omitempty"`
	Poll      *store.Poll      `json:"poll,omitempty"`
	Stickers  []string         `json:"stickers,omitempty"` // their names
}

func recordOf(r store.Record) Record {
	out := Record{
		Guild: r.Guild, User: r.User, ChannelName: r.Channel.Name, Content: r.Content, Time: r.Time,
		Source: r.Source.String(), MessageID: r.Message, ChannelID: r.Channel.ID, ReplyToUser: r.ReplyToUser,
		Redacted: r.Redacted, Edited: r.Edited,
	}
	if r.Message != 0 {
		out.Attachments = &r.Attachments
	}
	if x := r.Extra; x != nil {
		out.Forwarded, out.Poll, out.Stickers = x.Forwarded, x.Poll, x.Stickers
	}
	return out
}

// Match is a record that a query found.
type Match struct {
	Record
	Matches [][2]int `json:"matches"` // where, half-open, in code points of Content; never null
}

// Guild is what happened in a guild on the asked days. No list is ever null.
type Guild struct {
	ID          store.ID             `json:"guild_id"`
	Name        string               `json:"guild_name"` // "" if unknown
	Messages    int64                `json:"total_messages"`
	Users       int64                `json:"active_users"`
	Daily       []store.Day          `json:"daily"`        // the days that have messages, in order
	Heatmap     [7][24]int64         `json:"heatmap"`      // messages by weekday, Monday first, and hour
	TopChannels []store.ChannelCount `json:"top_channels"` // at most ten, by messages from the most
	TopUsers    []UserMessages       `json:"top_users"`    // the same
}

// UserMessages is how much a user wrote.
type UserMessages struct {
	User     store.ID `json:"user_id"`
	Name     string   `json:"user_name"` // "" if unknown
	Messages int64    `json:"messages"`
}

// User is who a user is in a guild. First, Last and the streaks are of all time,
// everything else is of the asked days. No list is ever null.
type User struct {
	Guild         store.ID             `json:"guild_id"`
	ID            store.ID             `json:"user_id"`
	Name          string               `json:"user_name"` // "" if unknown
	Messages      int64                `json:"total_messages"`
	First         store.Micros         `json:"first_message_at"`
	Last          store.Micros         `json:"last_active_at"`
	Hours         [24]int64            `json:"active_hours"`
	Weekdays      [7]int64             `json:"active_weekdays"` // Monday first
	TopChannels   []store.ChannelCount `json:"top_channels"`    // at most ten, by messages from the most
	TopWords      []words.Word         `json:"top_words"`       // at most twenty
	TopEmojis     []words.Emoji        `json:"top_emojis"`      // at most ten
	Streak        int64                `json:"streak_days"`     // consecutive active days up to today, or up to yesterday
	LongestStreak int64                `json:"longest_streak_days"`
	LastDay       string               `json:"streak_last_date"` // the last active day, YYYY-MM-DD
}

// Leader is a line of a leaderboard.
type Leader struct {
	Rank     int      `json:"rank"` // 1, 2, 3, … in order
	User     store.ID `json:"user_id"`
	Name     string   `json:"user_name"` // "" if unknown
	Messages int64    `json:"messages"`
	Days     int64    `json:"days"`  // days with messages
	Share    float64  `json:"share"` // of all users' messages, from 0 to 1, rounded to six digits
}

// Words are the most frequent words and emoji. No list is ever null.
type Words struct {
	Words  []words.Word  `json:"words"`
	Emojis []words.Emoji `json:"emojis"`
}

// State is how far everything has been taken in. No list is ever null.
type State struct {
	LastDates  []LastDate          `json:"log_migration_state"` // by guild
	Files      []File              `json:"files"`               // by path
	Quarantine []store.Quarantined `json:"quarantine"`          // by file and offset
	Gaps       []store.Gap         `json:"gaps"`                // in the order in which they were noticed
}

// LastDate is the last day (YYYYMMDD, UTC) whose logs were read to their end.
type LastDate struct {
	Guild store.ID `json:"guild_id"`
	Date  string   `json:"last_date"`
}

// File is how far a log file has been read: Offset in bytes after
// decompression, Size in bytes on the disk when last seen.
type File struct {
	Path     string `json:"path"` // below the root of the logs
	Offset   int64  `json:"offset"`
	Size     int64  `json:"size"`
	Complete bool   `json:"complete"`
}
