package store

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"rollcall/store/internal/kv"
)

// ChannelCount is how many messages were written in a channel.
//
// A channel is what has an id, whatever it was called, and is shown under the name that it
// has now. Records without an id, as most logs have them, count for the channel that has or
// had their channel's name, if exactly one did, and otherwise for that name.
type ChannelCount struct {
	Name     string `json:"channel_name"`
	Messages int64  `json:"messages"`
	ID       ID     `json:"channel_id,omitzero"` // 0 if not known
}

// countChannels turns counts by channel number into counts by channel.
func (db *DB) countChannels(tx *kv.Tx, r *reader, numbers iter.Seq2[int, int64]) ([]ChannelCount, error) {
	sums := map[Channel]int64{}
	for number, n := range numbers {
		if n == 0 {
			continue
		}
		c, err := r.channel(uint32(number))
		if err != nil {
			return nil, err
		}
		if c, err = db.grouped(tx, r.guild, c); err != nil {
			return nil, err
		}
		sums[c] += n
	}
	known, texts := tx.Bucket(bucketState).Bucket(stateKnown), knownTexts(db.keys)
	byID := map[ID]int{}
	counts := make([]ChannelCount, 0, len(sums))
	for c, n := range sums {
		if c.ID == 0 {
			counts = append(counts, ChannelCount{Name: c.Name, Messages: n})
			continue
		}
		if at, ok := byID[c.ID]; ok { // another name of the channel
			counts[at].Messages += n
			if counts[at].Name == UnknownChannel || counts[at].Name < c.Name && c.Name != UnknownChannel { // in case none is known as the present one
				counts[at].Name = c.Name
			}
			continue
		}
		byID[c.ID] = len(counts)
		counts = append(counts, ChannelCount{ID: c.ID, Name: c.Name, Messages: n})
	}
	for id, at := range byID {
		info, err := readChannelInfo(known, texts, r.guild, id)
		if err != nil {
			return nil, err
		}
		if info.name != "" {
			counts[at].Name = info.name
		}
	}
	slices.SortFunc(counts, func(a, b ChannelCount) int {
		if c := cmp.Compare(b.Messages, a.Messages); c != 0 {
			return c
		}
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return counts, nil
}

// grouped returns the channel with the id for which one without counts; all others stay.
func (db *DB) grouped(tx *kv.Tx, guild ID, c Channel) (Channel, error) {
	if c.ID != 0 || c.Name == UnknownChannel {
		return c, nil
	}
	ids, err := db.channelIDs.of(tx, db.keys, guild)
	if err == nil {
		c.ID = ids[c.Name]
	}
	return c, err
}

// SelectChannel returns what is Query.Channel for the channel that a caller calls by its id
// or by a name: records under that id or name, those of each channel that has the name now,
// and those without an id that count for such a channel.
func (db *DB) SelectChannel(ctx context.Context, guild ID, text string) (selects func(Channel) bool, err error) {
	ids, names := map[ID]bool{}, map[string]bool{text: true}
	if id, err := ParseID(text); err == nil { // a channel may also be called "2024"
		ids[id] = true
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		err := eachKnown(tx, db.keys, guild, func(channel ID, c channelInfo) error {
			if c.name == text {
				ids[channel] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		named, err := db.channelIDs.of(tx, db.keys, guild)
		for name, id := range named {
			if id != 0 && ids[id] {
				names[name] = true
			}
		}
		return err
	})
	return func(c Channel) bool {
		if c.ID != 0 {
			return ids[c.ID] || c.Name == text
		}
		return names[c.Name]
	}, err
}
