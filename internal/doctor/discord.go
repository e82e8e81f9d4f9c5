package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/permissions"
	"rollcall/internal/rules"
	"rollcall/store"
)

const (
	answerTime = 10 * time.Second
	maxAnswer  = 32 << 20 // bytes
	patience   = 30 * time.Second
	// clockSkew is how far off the clock may be: what is asked of Discord's history overlaps
	// by as much.
	clockSkew = 10 * time.Second
	// maxTold bounds the channels that are told of one by one.
	maxTold = 50
)

// Flags of an application: the intent is approved, or switched on below the threshold.
const messageContent = 1<<18 | 1<<19

// Options say what is to be looked at.
type Options struct {
	URL      string // of Discord
	Token    string // "": there is none
	TokenErr error  // why the token cannot be used; nil: it can
	Gateway  string // what a daemon that has a token of its own says of the gateway; "": none has
	Version  string // of the program, for the User-Agent
	Rules    *rules.Rules
	// Named are channels that the configuration names.
	Named []store.ID
	// Unreadable are channels that the memory knows to be unreadable, by id.
	Unreadable map[store.ID]string
}

// Discord checks what Discord tells: token, intents, permissions and clock.
func Discord(ctx context.Context, o Options) []Check {
	const setToken = "put the bot's token into a file that only you can read, and set ROLLCALL_TOKEN_FILE to it (as a service: /etc/rollcall/token)"
	unchecked := func(why string) []Check {
		return []Check{
			bad(Intents, "not checked: "+why, "mend the token first"),
			bad(Permissions, "not checked: "+why, "mend the token first"),
		}
	}
	d := &discord{Options: o, client: &http.Client{Timeout: answerTime}}
	if o.TokenErr != nil || o.Token == "" {
		detail, fix := "no token is set: nothing is heard from Discord", setToken
		switch {
		case o.TokenErr != nil:
			detail = o.TokenErr.Error()
		case o.Gateway != "":
			detail = "no token is set here; the daemon has its own: " + o.Gateway
			fix = "give this command the daemon's token, too: set ROLLCALL_TOKEN_FILE as for the daemon"
		}
		d.get(ctx, "/gateway", nil) // for the clock
		return append(append([]Check{bad(Token, detail, fix)}, unchecked("there is no token")...), d.clock())
	}
	var me struct {
		ID       store.ID `json:"id"`
		Username string   `json:"username"`
	}
	if err := d.get(ctx, "/users/@me", &me); err != nil {
		check := bad(Token, fmt.Sprintf("Discord at %s does not answer: %v", o.URL, err), "look at the network, and at ROLLCALL_DISCORD_URL if it is set")
		if refused(err, http.StatusUnauthorized) {
			check = bad(Token, "Discord refuses the token", "reset it in the developer portal (Bot, Reset Token) and put the new one into its file")
		}
		return append(append([]Check{check}, unchecked("the token was not accepted")...), d.clock())
	}
	checks := []Check{good(Token, fmt.Sprintf("it is that of %s (%s)", me.Username, me.ID)), d.intents(ctx)}
	checks = append(checks, d.permissions(ctx, me.ID)...)
	return append(checks, d.clock())
}

// discord asks over REST.
type discord struct {
	Options
	client *http.Client
	asked  time.Time // half way between a question and its answer
	theirs time.Time // what Discord's clock showed then; zero: it did not tell
}

// status is an answer that is not 200.
type status struct {
	code int
	text string
}

func (s status) Error() string { return s.text }

func refused(err error, codes ...int) bool {
	s, ok := errors.AsType[status](err)
	for _, code := range codes {
		if ok && s.code == code {
			return true
		}
	}
	return false
}

// get asks for a path below the API, and waits as Discord asks it to.
func (d *discord) get(ctx context.Context, path string, into any) error {
	for waited := time.Duration(0); ; {
		wait, err := d.once(ctx, path, into)
		if wait == 0 {
			return err
		}
		if waited += wait; waited > patience {
			return fmt.Errorf("Discord asks to wait %s: ask again then", wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// once asks once, and returns how long to wait before it may ask again.
func (d *discord) once(ctx context.Context, path string, into any) (wait time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+"/api/v10"+path, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bot "+d.Token)
	request.Header.Set("User-Agent", "DiscordBot (https://pkg.go.dev/rollcall, "+agentVersion(d.Version)+")")
	before := time.Now()
	response, err := d.client.Do(request)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return 0, err
	}
	defer response.Body.Close()
	if theirs, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		d.asked, d.theirs = before.Add(time.Since(before)/2), theirs
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return 0, err
	case response.StatusCode == http.StatusTooManyRequests:
		seconds, err := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
		if err != nil || seconds <= 0 {
			seconds = 1
		}
		return time.Duration(seconds * float64(time.Second)), nil
	case response.StatusCode != http.StatusOK:
		return 0, status{response.StatusCode, "it answers " + response.Status}
	case into == nil:
		return 0, nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return 0, fmt.Errorf("its answer to %s is not understood: %w", path, err)
	}
	return 0, nil
}

// agentVersion leaves out what may not be in a User-Agent.
func agentVersion(version string) string {
	return cmp.Or(strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`(),\`, r) {
			return -1
		}
		return r
	}, version), "devel")
}

func (d *discord) intents(ctx context.Context) Check {
	var application struct {
		Flags int64 `json:"flags"`
	}
	err := d.get(ctx, "/applications/@me", &application)
	const fix = "turn on Message Content Intent in the developer portal (Bot, Privileged Gateway Intents); above 10,000 users request it there"
	switch {
	case err != nil:
		return bad(Intents, fmt.Sprintf("Discord does not tell: %v", err), "run rollcall doctor again")
	case application.Flags&messageContent != 0:
		return good(Intents, "message content may be asked for")
	case d.Rules != nil && !d.Rules.StoresTexts():
		return good(Intents, "message content is off, and not needed: no texts are kept")
	}
	return bad(Intents, "message content is off: Discord refuses the session", fix)
}

type guildPayload struct {
	ID    store.ID `json:"id"`
	Name  string   `json:"name"`
	Owner store.ID `json:"owner_id"`
	Roles []struct {
		ID          store.ID `json:"id"`
		Permissions string   `json:"permissions"`
	} `json:"roles"`
}

type channelPayload struct {
	ID         store.ID         `json:"id"`
	Name       string           `json:"name"`
	Kind       permissions.Kind `json:"type"`
	Flags      int64            `json:"flags"`
	Overwrites []struct {
		ID    store.ID `json:"id"`
		Kind  int      `json:"type"`
		Allow string   `json:"allow"`
		Deny  string   `json:"deny"`
	} `json:"permission_overwrites"`
}

// Kinds of channels in which nothing is said, and the flag of a hidden one.
const (
	category  = 4
	directory = 14
	hidden    = 1 << 17
)

// permissions checks each channel that is to be recorded.
func (d *discord) permissions(ctx context.Context, me store.ID) []Check {
	var wrong []Check
	guilds, channels := 0, 0
	seen := map[store.ID]bool{}
	for after := store.ID(0); ; {
		var page []guildPayload
		if err := d.get(ctx, fmt.Sprintf("/users/@me/guilds?limit=200&after=%d", after), &page); err != nil {
			return []Check{bad(Permissions, fmt.Sprintf("Discord does not tell the bot's servers: %v", err), "run rollcall doctor again")}
		}
		for _, g := range page {
			after = max(after, g.ID)
			if d.Rules != nil && !d.Rules.GuildAllowed(g.ID) {
				continue
			}
			guilds++
			n, found, err := d.guild(ctx, me, g.ID, seen)
			if err != nil {
				wrong = append(wrong, bad(Permissions, fmt.Sprintf("server %q (%s): Discord does not tell its channels: %v", g.Name, g.ID, err), "run rollcall doctor again"))
				continue
			}
			channels += n
			wrong = append(wrong, found...)
		}
		if len(page) < 200 {
			break
		}
	}
	for _, id := range d.Named {
		if seen[id] {
			continue
		}
		seen[id] = true
		var c channelPayload
		if err := d.get(ctx, "/channels/"+id.String(), &c); err != nil {
			wrong = append(wrong, bad(Permissions, fmt.Sprintf("channel %s, which the settings name: %v", id, err), "give the bot View Channels there, or take the id out of the settings"))
		}
	}
	for id, name := range d.Unreadable {
		if !seen[id] {
			wrong = append(wrong, bad(Permissions, fmt.Sprintf("channel #%s (%s) is hidden from the bot: nothing said there is recorded", name, id), "give the bot View Channels there, or name the channel in ROLLCALL_CHANNELS_DENY"))
		}
	}
	switch {
	case len(wrong) > maxTold:
		more := len(wrong) - maxTold
		return append(wrong[:maxTold], bad(Permissions, fmt.Sprintf("%d more channels cannot be read", more), "mend those above, then run rollcall doctor again"))
	case len(wrong) > 0:
		return wrong
	case guilds == 0:
		return []Check{bad(Permissions, "the bot is in no server that is recorded", "invite it: developer portal, OAuth2, URL Generator, scope bot, View Channels and Read Message History")}
	}
	return []Check{good(Permissions, fmt.Sprintf("%d channels of %d servers can be read, with their history", channels, guilds))}
}

// guild checks the channels of a guild and returns how many it has looked at.
func (d *discord) guild(ctx context.Context, me, id store.ID, seen map[store.ID]bool) (n int, wrong []Check, err error) {
	var g guildPayload
	var member struct {
		Roles []store.ID `json:"roles"`
	}
	var channels []channelPayload
	path := "/guilds/" + id.String()
	if err := errors.Join(d.get(ctx, path, &g), d.get(ctx, path+"/members/"+me.String(), &member), d.get(ctx, path+"/channels", &channels)); err != nil {
		return 0, nil, err
	}
	known := permissions.NewGuild(id)
	known.SetOwner(g.Owner)
	roles := make([]permissions.Role, len(g.Roles))
	for i, r := range g.Roles {
		allow, _ := permissions.ParseSet(r.Permissions) // what is no set allows nothing
		roles[i] = permissions.Role{ID: r.ID, Allow: allow}
	}
	known.SetRoles(roles)
	for _, c := range channels {
		if c.Kind == category || c.Kind == directory || d.Rules != nil && !d.Rules.Allowed(id, c.ID, 0) {
			seen[c.ID] = true
			continue
		}
		set := permissions.Channel{ID: c.ID, Kind: c.Kind, Hidden: c.Flags&hidden != 0}
		for _, o := range c.Overwrites {
			allow, _ := permissions.ParseSet(o.Allow)
			deny, _ := permissions.ParseSet(o.Deny)
			set.Overwrites = append(set.Overwrites, permissions.Overwrite{ID: o.ID, Member: o.Kind == 1, Allow: allow, Deny: deny})
		}
		known.SetChannel(set)
		seen[c.ID] = true
		n++
		missing := ""
		switch known.Reading(permissions.Member{User: me, Roles: member.Roles}, c.ID) {
		case permissions.Full:
			continue
		case permissions.NoHistory:
			missing = "Read Message History is missing: gaps cannot be filled"
		case permissions.Hidden:
			missing = "it is hidden from the bot: nothing said there is recorded"
		default:
			missing = "View Channels is missing (voice and stage channels: Connect): nothing said there is recorded"
		}
		wrong = append(wrong, bad(Permissions, fmt.Sprintf("channel #%s (%s) of server %q: %s", c.Name, c.ID, g.Name, missing),
			"allow it to the bot's role in the channel's settings, or name the channel in ROLLCALL_CHANNELS_DENY"))
	}
	return n, wrong, nil
}

// clock compares this machine's clock with Discord's, which tells seconds.
func (d *discord) clock() Check {
	if d.theirs.IsZero() {
		return bad(Clock, "not checked: Discord did not answer with a time", "look at the network, then run rollcall doctor again")
	}
	off := d.asked.Sub(d.theirs.Add(500 * time.Millisecond))
	if off.Abs() <= clockSkew {
		return good(Clock, "it agrees with Discord's to a few seconds")
	}
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	return bad(Clock, fmt.Sprintf("this machine's clock is %s %s Discord's", off.Abs().Round(time.Second), way), "set the clock: timedatectl set-ntp true")
}
