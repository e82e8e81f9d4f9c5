package simulator

import (
	"encoding/json"
	"strconv"
	"time"
)

// channelPayload is a channel, a thread or a direct conversation.
type channelPayload struct {
	ID            ID                `json:"id"`
	Type          Kind              `json:"type"`
	GuildID       ID                `json:"guild_id,omitzero"`
	Name          string            `json:"name,omitempty"`
	ParentID      *ID               `json:"parent_id"`
	LastMessageID *ID               `json:"last_message_id"`
	Flags         int               `json:"flags"`
	RateLimit     int               `json:"rate_limit_per_user"`
	Topic         *string           `json:"topic,omitempty"`
	Position      *int              `json:"position,omitempty"`
	NSFW          bool              `json:"nsfw,omitempty"`
	Overwrites    []overwrite       `json:"permission_overwrites,omitzero"` // nil: a thread's
	Recipients    []json.RawMessage `json:"recipients,omitempty"`
	Bitrate       int               `json:"bitrate,omitempty"`

	// Threads only.
	OwnerID      ID              `json:"owner_id,omitzero"`
	Metadata     *threadMetadata `json:"thread_metadata,omitempty"`
	MessageCount *int            `json:"message_count,omitempty"`
	TotalSent    *int            `json:"total_message_sent,omitempty"`
	MemberCount  *int            `json:"member_count,omitempty"`
	Member       *threadMember   `json:"member,omitempty"`
	NewlyCreated bool            `json:"newly_created,omitempty"`
}

type overwrite struct {
	ID    ID     `json:"id"`
	Type  int    `json:"type"`
	Allow string `json:"allow"`
	Deny  string `json:"deny"`
}

type threadMetadata struct {
	Archived         bool  `json:"archived"`
	AutoArchive      int   `json:"auto_archive_duration"`
	ArchiveTimestamp stamp `json:"archive_timestamp"`
	Locked           bool  `json:"locked"`
	CreateTimestamp  stamp `json:"create_timestamp"`
	Invitable        *bool `json:"invitable,omitempty"`
}

type threadMember struct {
	ID            ID    `json:"id"`
	UserID        ID    `json:"user_id"`
	JoinTimestamp stamp `json:"join_timestamp"`
	Flags         int   `json:"flags"`
}

func (o Overwrite) render() overwrite {
	w := overwrite{Allow: strconv.FormatUint(o.Allow, 10), Deny: strconv.FormatUint(o.Deny, 10)}
	if o.Role != nil {
		w.ID = o.Role.ID
	} else {
		w.ID, w.Type = o.User.ID, 1
	}
	return w
}

// payload returns the channel as Discord shows it to who may view it. s.mu is held.
func (c *Channel) payload() channelPayload {
	p := channelPayload{ID: c.ID, Type: c.Kind, GuildID: c.guildID(), Name: c.name}
	if c.parent != nil {
		p.ParentID = &c.parent.ID
	}
	if last := c.lastMessage(); last != 0 {
		p.LastMessageID = &last
	}
	switch {
	case c.Kind == Direct:
		p.Recipients = []json.RawMessage{c.user.json}
	case c.isThread():
		c.threadPayload(&p)
	default:
		position := 0
		for _, o := range c.guild.channels {
			if o == c {
				break
			}
			position++
		}
		p.Position = &position
		if c.Kind == Voice {
			p.Bitrate = 64000
		}
		p.Overwrites = []overwrite{}
		for _, o := range c.overwrites {
			p.Overwrites = append(p.Overwrites, o.render())
		}
	}
	return p
}

func (c *Channel) threadPayload(p *channelPayload) {
	count, members := min(len(c.messages), 50), 1+len(c.name)%4
	p.OwnerID, p.MessageCount, p.TotalSent, p.MemberCount = c.user.ID, &count, &count, &members
	created := c.ID.Time()
	p.Metadata = &threadMetadata{
		Archived: c.archived, AutoArchive: 4320, ArchiveTimestamp: stamp(c.archivedAt), CreateTimestamp: stamp(created),
	}
	if c.archivedAt.IsZero() {
		p.Metadata.ArchiveTimestamp = stamp(created)
	}
	if c.Kind == PrivateThread {
		p.Metadata.Invitable = new(bool)
	}
	if c.joined {
		p.Member = c.botMember()
	}
}

// botMember returns the bot's membership of a thread.
func (c *Channel) botMember() *threadMember {
	return &threadMember{ID: c.ID, UserID: c.s.bot.ID, JoinTimestamp: stamp(c.ID.Time().Add(time.Second))}
}

// lastMessage returns the id of the newest message, deleted or not, as Discord does, unless
// SetLastMessage or an edit has set another one; of a forum it is the newest thread's.
func (c *Channel) lastMessage() ID {
	if c.lastTold != 0 {
		return c.lastTold
	}
	if c.Kind == Forum {
		var last ID
		for _, t := range c.guild.channels {
			if t.parent == c {
				last = t.ID
			}
		}
		return last
	}
	if n := len(c.messages); n > 0 {
		return c.messages[n-1].id
	}
	return 0
}

func (c *Channel) render() []byte { return mustJSON(c.shown()) }

func renderThreadDelete(c *Channel) []byte {
	return mustJSON(struct {
		ID       ID   `json:"id"`
		GuildID  ID   `json:"guild_id"`
		ParentID ID   `json:"parent_id"`
		Type     Kind `json:"type"`
	}{c.ID, c.guild.ID, c.parent.ID, c.Kind})
}

// renderThreadListSync tells of the active threads of a channel that the bot may see from now on.
func renderThreadListSync(c *Channel) []byte {
	p := struct {
		GuildID    ID               `json:"guild_id"`
		ChannelIDs []ID             `json:"channel_ids"`
		Threads    []channelPayload `json:"threads"`
		Members    []*threadMember  `json:"members"`
	}{c.guild.ID, []ID{c.ID}, []channelPayload{}, []*threadMember{}}
	for _, t := range c.guild.channels {
		if t.parent == c && t.isThread() && !t.archived && t.visible() {
			p.Threads = append(p.Threads, t.payload())
			if t.joined {
				p.Members = append(p.Members, t.botMember())
			}
		}
	}
	return mustJSON(p)
}

func renderDelete(c *Channel, ids []ID) []byte {
	p := struct {
		ID        ID   `json:"id,omitzero"`
		IDs       []ID `json:"ids,omitempty"`
		ChannelID ID   `json:"channel_id"`
		GuildID   ID   `json:"guild_id,omitzero"`
	}{ChannelID: c.ID, GuildID: c.guildID()}
	if len(ids) == 1 {
		p.ID = ids[0]
	} else {
		p.IDs = ids
	}
	return mustJSON(p)
}
