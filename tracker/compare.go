package tracker

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"slices"

	"rollcall/store"
)

// What a page of the history says about messages that are stored. ADR 6 has the conditions
// under which a message is taken for deleted, and why.

// missing returns the stored messages above begin, up to last, that a page lacks.
func (c *reread) missing(p page, begin, last store.ID) (gone []storedMessage) {
	if c.policy.deleted == store.Keep {
		return nil
	}
	for _, s := range c.stored {
		if s.id <= begin || s.id > last {
			continue
		}
		if _, there := slices.BinarySearch(p.ids, s.id); !there {
			gone = append(gone, s)
		}
	}
	return gone
}

// sure reports whether Discord says, too, of messages that a page lacks that they are not
// known: of the first and the last one, in place of all. An empty page may come from a
// missing permission; so one that comes between two such answers must be empty, too.
func (c *reread) sure(ctx context.Context, gone []storedMessage, empty bool) (bool, error) {
	unknown, err := c.unknown(ctx, gone[0].id)
	if !unknown || err != nil || len(gone) == 1 {
		return unknown, err
	}
	if empty {
		p, err := c.page(ctx)
		if err != nil || !p.empty() {
			return false, err
		}
	}
	return c.unknown(ctx, gone[len(gone)-1].id)
}

// unknown reports whether Discord says that it does not know a message of the channel.
func (c *reread) unknown(ctx context.Context, message store.ID) (bool, error) {
	err := c.try(ctx, func() error { return c.b.mayRead(ctx, c.channel, message) })
	var r *refused
	if errors.As(err, &r) {
		return r.status == http.StatusNotFound && r.code == codeUnknownMessage, nil
	}
	return false, err
}

// Codes of Discord's error objects.
const (
	codeUnknownChannel = 10003
	codeUnknownMessage = 10008
)

// commit stores what a page shows.
func (c *reread) commit(ctx context.Context, p page, gone []storedMessage) error {
	var batch store.Batch
	for _, s := range gone {
		batch.Changes = append(batch.Changes, store.Change{
			Guild: c.plan.guild, Message: s.id, Time: s.time, User: s.user, Action: c.policy.deleted,
		})
	}
	edits := 0
	for _, m := range p.messages {
		m.GuildID, m.ChannelID = c.plan.guild, c.channel
		at, stored := slices.BinarySearchFunc(c.stored, m.ID, func(s storedMessage, id store.ID) int { return cmp.Compare(s.id, id) })
		switch {
		case stored:
			if change, ok := c.edit(m, c.stored[at]); ok {
				batch.Changes = append(batch.Changes, change)
				c.stored[at].edited = m.Edited // the next page may show it once more
				if !c.reads(m, c.stored[at]) { // else it was edited back
					edits++
				}
			}
		case c.probe && m.ID > c.fresh && m.ID <= c.heard:
			c.b.addTo(&batch, m, c.info)
		}
	}
	if len(batch.Records)+len(batch.Changes)+len(batch.Uncounted)+len(batch.Accounts)+len(batch.Passed) == 0 {
		return nil
	}
	found, err := c.b.writer.commit(ctx, batch)
	if err != nil {
		return err
	}
	if again := c.b.writer.recent.of(c.channel); len(again) > 0 {
		if _, err := c.b.writer.commit(ctx, store.Batch{Deleted: again}); err != nil {
			return err
		}
	}
	c.note(lessons{len(gone), edits, found})
	return nil
}

func (c *reread) note(l lessons) {
	c.learned.add(l)
	c.learn(l)
}

// reads reports whether a stored message says what the history has.
func (c *reread) reads(m message, s storedMessage) bool {
	return maphash.String(c.seed, m.Content) == s.text && m.Attachments == s.attachments
}

// edit returns the change that makes of a stored message what the history has, if that was
// edited later. One that says nothing at all is withheld rather than edited.
func (c *reread) edit(m message, s storedMessage) (change store.Change, ok bool) {
	if c.policy.edited == store.Keep || m.Edited <= s.edited || m.Blank {
		return change, false
	}
	if rec := m.kept(c.b.rules, c.info.name, store.SourceBackfill); rec == nil || rec.Redacted {
		return change, false
	}
	change = m.edit()
	change.Action, change.User, change.Time = c.policy.edited, s.user, s.time // the author may have left Discord
	return change, true
}

// refused takes in that Discord refuses the channel. One that it does not know, and that
// the guild does not have, was deleted with all its messages, unless the bot was taken
// out of the guild. It may also be a thread below a channel that the bot may not view: what
// is answered about those is not documented, so where there may be any nothing is concluded.
func (c *reread) refused(ctx context.Context, refusal error) error {
	var r *refused
	_, listed := slices.BinarySearch(c.plan.listed, c.channel)
	switch {
	case !errors.As(refusal, &r) || r.status != http.StatusNotFound || r.code != codeUnknownChannel:
		return nil
	case listed || c.b.access.hidesThreads(c.plan.guild) || c.policy.deleted == store.Keep || len(c.stored) == 0:
		return nil
	}
	guild := "/guilds/" + c.plan.guild.String()
	err := c.try(ctx, func() error {
		_, err := c.b.rest.get(ctx, guild, guild, nil)
		return err
	})
	switch {
	case statusOf(err) != 0:
		return nil
	case err != nil:
		return err
	}
	gone := store.DeletedChannel{Guild: c.plan.guild, Channel: c.channel, Action: c.policy.deleted}
	if _, err := c.b.writer.commit(ctx, store.Batch{Deleted: []store.DeletedChannel{gone}}); err != nil {
		return err
	}
	c.note(lessons{deletions: len(c.stored)})
	return nil
}
