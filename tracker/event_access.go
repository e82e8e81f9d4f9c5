package tracker

import (
	"encoding/json"
	"fmt"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// What Discord says of permissions. Who may read what follows from all of it, so a list
// of which one element cannot be read is not known.

// flagHidden marks a channel that the bot may not view (since 2026-11-16). Its name then
// is ___hidden___, which a channel may also be called.
const flagHidden = 1 << 17

// guildMember is a member with the roles of GUILD_CREATE or GUILD_MEMBER_UPDATE.
type guildMember struct {
	GuildID store.ID // absent inside a guild's list
	User    store.ID
	Roles   []store.ID
}

// roleChange is the payload of GUILD_ROLE_CREATE, GUILD_ROLE_UPDATE or GUILD_ROLE_DELETE.
type roleChange struct {
	GuildID store.ID
	Role    permissions.Role
	Deleted bool // only Role.ID is set
}

// wireSet is a set of permissions, which Discord writes as a string.
type wireSet permissions.Set

func (s *wireSet) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return permissions.ErrBadSet // the library's error would quote what it could not read
	}
	set, err := permissions.ParseSet(text)
	*s = wireSet(set)
	return err
}

type wireOverwrite struct {
	ID    store.ID `json:"id"`
	Type  *int     `json:"type"`
	Allow *wireSet `json:"allow"`
	Deny  *wireSet `json:"deny"`
}

// The types of overwrites.
const (
	overwriteRole   = 0
	overwriteMember = 1
)

// overwritesOf returns a list that is not nil, or nil if one of them cannot be understood.
func overwritesOf(list []wireOverwrite) []permissions.Overwrite {
	if list == nil {
		return nil
	}
	all := make([]permissions.Overwrite, 0, len(list))
	for _, w := range list {
		if w.ID == 0 || w.Allow == nil || w.Deny == nil || w.Type == nil || *w.Type != overwriteRole && *w.Type != overwriteMember {
			return nil
		}
		all = append(all, permissions.Overwrite{
			ID: w.ID, Member: *w.Type == overwriteMember, Allow: permissions.Set(*w.Allow), Deny: permissions.Set(*w.Deny),
		})
	}
	return all
}

type wireRole struct {
	ID          store.ID `json:"id"`
	Permissions *wireSet `json:"permissions"`
}

func (w wireRole) role() (permissions.Role, bool) {
	if w.ID == 0 || w.Permissions == nil {
		return permissions.Role{}, false
	}
	return permissions.Role{ID: w.ID, Allow: permissions.Set(*w.Permissions)}, true
}

// decodeRoles returns nil if there are no roles, or one cannot be read.
func decodeRoles(list []json.RawMessage) []permissions.Role {
	var roles []permissions.Role
	for _, raw := range list {
		var w wireRole
		if json.Unmarshal(raw, &w) != nil {
			return nil
		}
		r, ok := w.role()
		if !ok {
			return nil
		}
		roles = append(roles, r)
	}
	return roles
}

// decodeRole reads GUILD_ROLE_CREATE, GUILD_ROLE_UPDATE and GUILD_ROLE_DELETE.
func decodeRole(raw json.RawMessage) (roleChange, error) {
	var w struct {
		GuildID store.ID  `json:"guild_id"`
		Role    *wireRole `json:"role"`
		RoleID  store.ID  `json:"role_id"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return roleChange{}, fmt.Errorf("decode role: %w", err)
	}
	c := roleChange{GuildID: w.GuildID, Deleted: w.Role == nil, Role: permissions.Role{ID: w.RoleID}}
	ok := w.RoleID != 0
	if w.Role != nil {
		c.Role, ok = w.Role.role()
	}
	if !ok || c.GuildID == 0 {
		return roleChange{}, fmt.Errorf("decode role: %w", errNoID)
	}
	return c, nil
}

// decodeMember reads GUILD_MEMBER_UPDATE, and a member of GUILD_CREATE.
func decodeMember(raw json.RawMessage) (guildMember, error) {
	var w struct {
		GuildID store.ID `json:"guild_id"`
		User    struct {
			ID store.ID `json:"id"`
		} `json:"user"`
		Roles []store.ID `json:"roles"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return guildMember{}, fmt.Errorf("decode member: %w", err)
	}
	if w.User.ID == 0 || w.Roles == nil {
		return guildMember{}, fmt.Errorf("decode member: %w", errNoID)
	}
	return guildMember{GuildID: w.GuildID, User: w.User.ID, Roles: w.Roles}, nil
}

// decodeMembers leaves out members that cannot be read.
func decodeMembers(list []json.RawMessage) (members []guildMember) {
	for _, raw := range list {
		if m, err := decodeMember(raw); err == nil {
			members = append(members, m)
		}
	}
	return members
}

// decodeBot reads the bot's own id out of READY, 0 if it cannot be read.
func decodeBot(raw json.RawMessage) store.ID {
	var w struct {
		User loose[struct {
			ID looseID `json:"id"`
		}] `json:"user"`
	}
	if json.Unmarshal(raw, &w) != nil {
		return 0
	}
	return store.ID(w.User.value.ID)
}
