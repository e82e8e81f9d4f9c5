package simulator

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// mustJSON encodes what the simulator itself made, or what a caller put into Draft.Fields.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("simulator: not JSON: %v", err))
	}
	return b
}

type userPayload struct {
	ID            ID      `json:"id"`
	Username      string  `json:"username"`
	GlobalName    *string `json:"global_name"`
	Discriminator string  `json:"discriminator"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot,omitempty"`
	PublicFlags   int     `json:"public_flags"`
	Decoration    *string `json:"avatar_decoration_data"`
	PrimaryGuild  *string `json:"primary_guild"`
}

func renderUser(u *User) []byte {
	p := userPayload{ID: u.ID, Username: username(u.Name), GlobalName: &u.Name, Discriminator: "0", Bot: u.Bot}
	if u.Bot { // bots have kept their discriminators and have no display name
		p.GlobalName, p.Username, p.Discriminator = nil, u.Name, "4242"
	}
	if u.ID%3 != 0 {
		avatar := fmt.Sprintf("%032x", uint64(u.ID))
		p.Avatar = &avatar
	}
	return mustJSON(p)
}

// username makes a user name, which has lower-case latin letters, digits, "_" and "." only.
func username(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name)
}

type memberPayload struct {
	User          json.RawMessage `json:"user,omitempty"`
	GuildID       ID              `json:"guild_id,omitzero"`
	Nick          *string         `json:"nick"`
	Avatar        *string         `json:"avatar"`
	Banner        *string         `json:"banner"`
	Roles         []ID            `json:"roles"`
	JoinedAt      stamp           `json:"joined_at"`
	PremiumSince  *string         `json:"premium_since"`
	Deaf          bool            `json:"deaf"`
	Mute          bool            `json:"mute"`
	Flags         int             `json:"flags"`
	Pending       bool            `json:"pending"`
	TimeoutUntil  *string         `json:"communication_disabled_until"`
	UnusualDMTill *string         `json:"unusual_dm_activity_until"`
}

func newMemberPayload(g *Guild, u *User, m *member) memberPayload {
	p := memberPayload{Roles: []ID{}, JoinedAt: stamp(max(g.ID, u.ID).Time())}
	if m.nick != "" {
		p.Nick = &m.nick
	}
	for _, r := range m.roles {
		p.Roles = append(p.Roles, r.ID)
	}
	return p
}

func renderMember(g *Guild, u *User, m *member) []byte { return mustJSON(newMemberPayload(g, u, m)) }

func memberUpdate(g *Guild, u *User, m *member) memberPayload {
	p := newMemberPayload(g, u, m)
	p.User, p.GuildID = u.json, g.ID
	return p
}

type rolePayload struct {
	ID          ID      `json:"id"`
	Name        string  `json:"name"`
	Color       int     `json:"color"`
	Hoist       bool    `json:"hoist"`
	Icon        *string `json:"icon"`
	Position    int     `json:"position"`
	Permissions string  `json:"permissions"`
	Managed     bool    `json:"managed"`
	Mentionable bool    `json:"mentionable"`
	Flags       int     `json:"flags"`
}

func (r *Role) render() rolePayload {
	p := rolePayload{ID: r.ID, Name: r.name, Permissions: strconv.FormatUint(r.permissions, 10)}
	if r != r.g.roles[0] {
		p.Position, p.Color, p.Hoist, p.Mentionable = 1, 0x3498db, true, true
	}
	return p
}

type unavailableGuild struct {
	ID          ID   `json:"id"`
	Unavailable bool `json:"unavailable"`
}

// guildObject is what REST and GUILD_UPDATE tell of a guild.
type guildObject struct {
	ID                ID            `json:"id"`
	Name              string        `json:"name"`
	Icon              *string       `json:"icon"`
	Splash            *string       `json:"splash"`
	OwnerID           ID            `json:"owner_id"`
	AFKChannelID      *ID           `json:"afk_channel_id"`
	AFKTimeout        int           `json:"afk_timeout"`
	VerificationLevel int           `json:"verification_level"`
	Notifications     int           `json:"default_message_notifications"`
	ContentFilter     int           `json:"explicit_content_filter"`
	Roles             []rolePayload `json:"roles"`
	Emojis            []any         `json:"emojis"`
	Stickers          []any         `json:"stickers"`
	Features          []string      `json:"features"`
	MFALevel          int           `json:"mfa_level"`
	SystemChannelID   *ID           `json:"system_channel_id"`
	SystemFlags       int           `json:"system_channel_flags"`
	RulesChannelID    *ID           `json:"rules_channel_id"`
	VanityURLCode     *string       `json:"vanity_url_code"`
	Description       *string       `json:"description"`
	Banner            *string       `json:"banner"`
	PremiumTier       int           `json:"premium_tier"`
	PremiumCount      int           `json:"premium_subscription_count"`
	PreferredLocale   string        `json:"preferred_locale"`
	NSFWLevel         int           `json:"nsfw_level"`
	MaxMembers        int           `json:"max_members"`
}

// guildCreate is what GUILD_CREATE tells beyond that. The members are the bot alone, as for every
// session without the members intent.
type guildCreate struct {
	guildObject
	JoinedAt    stamp             `json:"joined_at"`
	Large       bool              `json:"large"`
	Unavailable bool              `json:"unavailable"`
	MemberCount int               `json:"member_count"`
	VoiceStates []any             `json:"voice_states"`
	Members     []json.RawMessage `json:"members"`
	Channels    []any             `json:"channels"`
	Threads     []channelPayload  `json:"threads"`
	Presences   []any             `json:"presences"`
	Stages      []any             `json:"stage_instances"`
	Events      []any             `json:"guild_scheduled_events"`
	Soundboard  []any             `json:"soundboard_sounds"`
}

func guildPayload(g *Guild) guildObject {
	roles := make([]rolePayload, 0, len(g.roles))
	for _, r := range g.roles {
		roles = append(roles, r.render())
	}
	return guildObject{
		ID: g.ID, Name: g.name, OwnerID: g.owner, AFKTimeout: 300, VerificationLevel: 1,
		Notifications: 1, ContentFilter: 2, Roles: roles,
		Emojis: []any{}, Stickers: []any{}, Features: []string{"COMMUNITY", "NEWS"},
		PreferredLocale: "en-US", MaxMembers: 500000,
	}
}

func renderGuildCreate(g *Guild) []byte {
	bot := newMemberPayload(g, g.s.bot, g.member(g.s.bot))
	bot.User = g.s.bot.json
	members := []json.RawMessage{mustJSON(bot)}
	if g.s.o.OmitMembers {
		members = []json.RawMessage{}
	}
	p := guildCreate{
		guildObject: guildPayload(g), JoinedAt: stamp(g.ID.Time().Add(time.Hour)),
		MemberCount: len(g.members), Large: len(g.members) > 250, VoiceStates: []any{},
		Members: members, Channels: []any{}, Threads: []channelPayload{},
		Presences: []any{}, Stages: []any{}, Events: []any{}, Soundboard: []any{},
	}
	if g.nameless {
		p.Name = ""
	}
	for _, c := range g.channels {
		switch {
		case !c.isThread():
			p.Channels = append(p.Channels, c.shown())
		case !c.archived && c.visible():
			p.Threads = append(p.Threads, c.payload())
		}
	}
	return mustJSON(p)
}
