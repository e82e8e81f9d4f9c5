package store

import "slices"

// A message may reach us twice: with its id (live, from history, imported) and
// as a log line, which has no id and the time at which the other bot handled it.
// They are one message if guild, user, channel name and content are equal and
// the line's time lies in [-5 s, +60 s] of the message's own.
//
// Among equal messages and lines the pairs are made one to one, nearest first.
// Pairs are ranked by distance, then by the line's time, then by the message's
// time and id. As every pair has its place in one ranking, there is exactly one
// set of pairs in which no message and line would both rather have each other
// (a stable matching), it is the one that taking the nearest pair again and
// again gives, and it does not depend on the order of arrival. So a newcomer
// makes its proposals from the best down; one that is turned out goes on to its
// next best; nobody else changes. A turned-out one always moves to a worse pair,
// so this ends.
//
// A line in a pair is no record of its own: the message remembers the line's
// time. Thus a line that is read again is recognised, and all that the matching
// depends on stays in the file.
//
// It stays when a text goes or is changed, too: the message then keeps the hash of
// channel and content as they were first, which is also what a line has for an id.
// A message that was removed for good is kept as a trace without a text, which still
// takes its line (traces.go).
const (
	logBefore Micros = 5e6  // a line may be this much before the message's time
	logAfter  Micros = 60e6 // and this much after
)

// kind is what a message and a log line must share to be one.
type kind struct {
	user    ID
	channel string // name
	content string
	hash    uint64 // logKey of both
}

// hash is logKey of a channel's name and a text.
func (w *writeTx) hash(channel, content string) uint64 {
	hash, _ := logKey(w.salt, nil, channel, content)
	return hash
}

// message is a record with a message id, as the matching sees it.
type message struct {
	key recordKey
	stored
	removed bool // a trace, not a record
}

// closer says whether line la and message a are a better pair than lb and b.
func closer(la Micros, a recordKey, lb Micros, b recordKey) bool {
	if da, db := distance(la, a.time), distance(lb, b.time); da != db {
		return da < db
	}
	if la != lb {
		return la < lb
	}
	return a.compare(b) < 0
}

func distance(a, b Micros) Micros { return max(a-b, b-a) }

// near returns the messages and the single log lines of a kind with times in [from, to].
// One that is damaged must not hold up all others.
func (g *guildTx) near(k kind, from, to Micros) (messages []message, lines []recordKey, err error) {
	c := g.records.between(from, to)
	for b, value := c.Seek(recordKey{k.user, from, 0}.append(nil)); b != nil; b, value = c.Next() {
		key, ok := parseRecordKey(b)
		if !ok {
			return nil, nil, damagedValue(b)
		}
		if key.user != k.user || key.time > to {
			break
		}
		if key.isLog() {
			if key.id == k.hash {
				lines = append(lines, key)
			}
			continue
		}
		s, err := readStored(b, value, key.time)
		if err != nil {
			g.w.bad.note(g.id, b, err)
			continue
		}
		same, err := g.isOf(k, b, &s)
		if err != nil {
			return nil, nil, err
		}
		if same {
			messages = append(messages, message{key: key, stored: s})
		}
	}
	messages, err = g.removedNear(messages, k, from, to)
	return messages, lines, err
}

// isOf says whether the message under the key b is of a kind, and opens its text then.
func (g *guildTx) isOf(k kind, b []byte, s *stored) (bool, error) {
	if s.hash != 0 {
		if s.hash != k.hash {
			return false, nil
		}
		return true, s.open(g.texts, b, new([]byte))
	}
	if s.textSize() != len(k.content) {
		return false, nil
	}
	if err := s.open(g.texts, b, new([]byte)); err != nil || string(s.text) != k.content {
		return false, err
	}
	channel, err := g.channel(s.channel)
	return channel.Name == k.channel, err
}

// mergeLine takes in a log line where messages with ids are about. It returns
// false if the line is known already.
func (g *guildTx) mergeLine(p *pending) (bool, error) {
	k, key := g.kindOf(p), p.key
	if g.has(key) {
		return false, nil
	}
	messages, _, err := g.near(k, key.time-logAfter, key.time+logBefore)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(messages, func(m message) bool { return m.inLogs && m.logTime == key.time }) {
		return false, nil
	}
	for {
		best := -1
		for i, m := range messages {
			if m.inLogs && !closer(key.time, m.key, m.logTime, m.key) {
				continue
			}
			if best < 0 || closer(key.time, m.key, key.time, messages[best].key) {
				best = i
			}
		}
		if best < 0 {
			number, err := g.numberOf(p)
			if err != nil {
				return false, err
			}
			return true, g.putLine(key, number, p)
		}
		m := messages[best]
		turnedOut, had := m.logTime, m.inLogs
		m.inLogs, m.logTime = true, key.time
		if err := g.rewrite(m); err != nil {
			return false, err
		}
		if !had {
			return true, nil
		}
		key.time = turnedOut
		if messages, _, err = g.near(k, key.time-logAfter, key.time+logBefore); err != nil {
			return false, err
		}
	}
}

// offer is a log line that a message may pair with: a record of its own, or
// held by another message.
type offer struct {
	time   Micros
	single recordKey // if by is nil
	by     *message
}

// mergeMessage finds the log line of a message that was just put where log lines
// are about, and removes that line's own record.
func (g *guildTx) mergeMessage(k kind, m message) error {
	for {
		best, err := g.bestOffer(k, m)
		if err != nil || best == nil {
			return err
		}
		m.inLogs, m.logTime = true, best.time
		if err := g.rewrite(m); err != nil {
			return err
		}
		if best.by == nil {
			return g.remove(best.single)
		}
		m = *best.by
		m.inLogs = false
		if err := g.rewrite(m); err != nil {
			return err
		}
	}
}

// bestOffer returns the nearest line that is single, or would rather have m than
// the message that holds it; nil if there is none.
func (g *guildTx) bestOffer(k kind, m message) (*offer, error) {
	from, to := m.key.time-logBefore, m.key.time+logAfter
	// A line in this span may be held by a message that lies as far on its other side.
	messages, lines, err := g.near(k, from-logAfter, to+logBefore)
	if err != nil {
		return nil, err
	}
	var best *offer
	consider := func(o offer) {
		if o.time < from || o.time > to || o.by != nil && !closer(o.time, m.key, o.time, o.by.key) {
			return
		}
		if best == nil || closer(o.time, m.key, best.time, m.key) {
			best = &o
		}
	}
	for _, line := range lines {
		consider(offer{time: line.time, single: line})
	}
	for i := range messages {
		if messages[i].inLogs {
			consider(offer{time: messages[i].logTime, by: &messages[i]})
		}
	}
	return best, nil
}
