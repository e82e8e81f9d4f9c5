package store

import (
	"encoding/binary"
	"errors"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
)

// putLearned gives records that were stored under UnknownChannel their channel's name:
// they refer to it by a number, which is that of the name from now on. If the name has a
// number already it then has two, which tell the same.
func (w *writeTx) putLearned(learned []LearnedName) error {
	var err error
	for _, l := range learned {
		if l.Channel == 0 || l.Name == "" || l.Name == UnknownChannel || w.tx.Bucket(bucketChannels).Bucket(bucketName(l.Guild)) == nil {
			continue
		}
		err = errors.Join(err, w.learn(l))
	}
	return err
}

func (w *writeTx) learn(l LearnedName) error {
	unknown, known := Channel{l.Channel, UnknownChannel}, Channel{l.Channel, l.Name}
	b, hash := w.tx.Bucket(bucketChannels).Bucket(bucketName(l.Guild)), channelHashKey(w.salt, unknown)
	payload, err := kv.Get(b, hash)
	if err != nil || payload == nil {
		return err
	}
	if len(payload) != 4 {
		return kv.Damaged(hash)
	}
	g, err := w.guild(l.Guild)
	if err != nil {
		return err
	}
	number := binary.BigEndian.Uint32(payload)
	key := channelNumberKey(number)
	if err := w.put(g.channels, key, g.named.Append(kv.U64(nil, uint64(l.Channel)), key, []byte(l.Name))); err != nil {
		return err
	}
	if err := g.channels.Delete(hash); err != nil {
		return err
	}
	err = w.noteChannel(l.Guild, l.Channel, func(k *channelInfo) bool { // unless what was said since tells another
		if k.name != "" {
			return false
		}
		k.name, k.named = known.Name, civil.MinMicros
		return true
	})
	if err != nil {
		return err
	}
	if err := w.putPairing(l.Guild, l.Channel, g.info); err != nil { // lines may be of that name
		return err
	}
	delete(g.numbers, unknown)
	g.names[number] = known
	byName := channelHashKey(w.salt, known)
	if g.channels.Get(byName) != nil {
		return nil
	}
	return w.put(g.channels, byName, kv.U32(nil, number))
}
