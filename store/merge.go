package store

import (
	"cmp"
	"slices"

	"rollcall/store/internal/record"
)

// A message may reach us twice: with its id (live, from history, imported) and
// as a log line, which has no id and the time at which the other bot handled it.
// They can be one message if guild and user are equal, the line's time lies in
// [-5 s, +60 s] of the message's own, their channels are not known to be two, and
// what was said agrees in one of three ways, the tiers:
//
//	exact    the same text, in the same channel
//	renamed  the same text, in a channel of another name
//	edited   another text, in the same channel, and the message had been edited
//	         before it was first seen, so that nobody knows what it said first
//
// A channel is the same if both ids are known and equal, or, where one is not known,
// if the names are. Two known ids that differ are two channels. The last two tiers
// take only a line that came within nearAfter, as all but a few do: what a
// coincidence looks like must not swallow what somebody wrote.
//
// Among messages and lines the pairs are made one to one, the best first. Pairs are
// ranked by tier, then by distance, then by the line's time and key, then by the
// message's time and id. As every pair has its place in one ranking, there is
// exactly one set of pairs in which no message and line would both rather have each
// other (a stable matching), it is the one that taking the best pair again and
// again gives, and it does not depend on the order of arrival. So a newcomer
// makes its proposals from the best down; one that is turned out goes on to its
// next best; nobody else changes. A turned-out one always moves to a worse pair,
// so this ends.
//
// A line in a pair is no record of its own: the message remembers the line's
// time, and of its channel and text what is not the message's own. Thus a line that is
// read again is recognised, one that is turned out is what it was, and all that the
// matching depends on stays in the file.
//
// It stays when a text goes or is changed, too: the message then keeps a hash of what
// was said first (textHash), and so does a line whose text goes. A message that was
// removed for good, or that never counted, is kept as a deletion marker without a text, which
// still takes its line (markers.go).
const (
	logBefore Micros = 5e6  // a line may be this much before the message's time
	logAfter  Micros = 60e6 // and this much after
	nearAfter Micros = 15e6 // the same in the tiers renamed and edited
)

// tier is how a message and a line agree, the best first.
type tier uint8

const (
	exact tier = iota
	renamed
	edited
)

// rank is how well a message and a line go together.
type rank struct {
	tier     tier
	distance Micros
}

func (r rank) compare(o rank) int {
	if r.tier != o.tier {
		return int(r.tier) - int(o.tier)
	}
	return cmp.Compare(r.distance, o.distance)
}

// rankOf returns the rank of a pair; ok is false if the two cannot be one.
func (g *guildTx) rankOf(l *logLine, m *message) (r rank, ok bool, err error) {
	late := l.time - m.key.Time
	if late < -logBefore || late > logAfter {
		return r, false, nil
	}
	place, err := g.compareChannels(l, m.Channel)
	if err != nil || place == twoChannels || place == otherName && late > nearAfter {
		return r, false, err
	}
	same, err := g.same(&l.words, &m.words)
	switch {
	case err != nil:
		return r, false, err
	case same && place == oneChannel:
		r.tier = exact
	case same:
		r.tier = renamed
	case m.Loose && place == oneChannel && late <= nearAfter:
		r.tier = edited
	default:
		return r, false, nil
	}
	r.distance = max(late, -late)
	return r, true, nil
}

// heldRank is rankOf a message and its own line.
func (g *guildTx) heldRank(m *message) (rank, error) {
	late := m.Line.Time - m.key.Time
	r := rank{edited, max(late, -late)}
	if m.Line.Differs() {
		return r, nil
	}
	place, err := g.compareChannels(g.lineOf(m), m.Channel)
	if r.tier = renamed; place == oneChannel {
		r.tier = exact
	}
	return r, err
}

// compareLines orders lines that a message could have at the same rank.
func (g *guildTx) compareLines(a, b *logLine) (int, error) {
	if a.time != b.time {
		return cmp.Compare(a.time, b.time), nil
	}
	for _, l := range []*logLine{a, b} {
		if err := g.identify(l); err != nil {
			return 0, err
		}
	}
	return cmp.Compare(a.id, b.id), nil
}

// mergeLine takes in a log line where messages with ids are about. It returns
// false if the line is known already.
func (g *guildTx) mergeLine(p *putOp) (bool, error) {
	if g.has(p.key) {
		return false, nil
	}
	channel, err := g.numberOf(p)
	if err != nil {
		return false, err
	}
	l := &logLine{
		user: p.key.User, time: p.key.Time, channel: channel, id: p.key.ID, gone: p.gone,
		words: words{has: true, open: true, text: []byte(p.content), size: len(p.content)},
	}
	if err := g.approach(p.key.User, l.time); err != nil {
		return false, err
	}
	for _, m := range g.near.around(l.time-logAfter, l.time+logBefore) {
		if !m.InLogs || m.Line.Time != l.time {
			continue
		}
		if known, err := g.isSame(l, g.lineOf(m)); known || err != nil {
			return false, err
		}
	}
	return true, g.settleLine(l, p.gone)
}

// settleLine gives a line the best message that would rather have it than the line
// that it has, which then goes on, or makes a record of it, without a text if none are
// to be kept.
func (g *guildTx) settleLine(l *logLine, gone bool) error {
	for {
		if err := g.extend(l.time-logAfter, l.time+logBefore); err != nil {
			return err
		}
		var best *message
		var bestRank rank
		for _, m := range g.near.around(l.time-logAfter, l.time+logBefore) {
			r, ok, err := g.rankOf(l, m)
			if err != nil {
				return err
			}
			if !ok || best != nil && r.compare(bestRank) >= 0 { // those of one rank come by time and id
				continue
			}
			if m.InLogs {
				if ok, err = g.wouldRather(m, l, r); err != nil {
					return err
				}
			}
			if ok {
				best, bestRank = m, r
			}
		}
		if best == nil {
			return g.putSingle(l)
		}
		turnedOut, err := g.release(best)
		if err != nil {
			return err
		}
		if turnedOut != nil && turnedOut.borrowed { // it said the same
			turnedOut.words.learn(&l.words)
			turnedOut.gone, turnedOut.borrowed = gone || !turnedOut.words.has, false
		}
		if err := g.hold(best, l, bestRank.tier); err != nil {
			return err
		}
		if err := g.rewrite(best); err != nil || turnedOut == nil {
			return err
		}
		l = turnedOut
	}
}

// wouldRather reports whether a message would rather have a line, at a rank, than the one
// that it has.
func (g *guildTx) wouldRather(m *message, l *logLine, r rank) (bool, error) {
	held, err := g.heldRank(m)
	if err != nil || r != held {
		return r.compare(held) < 0, err
	}
	c, err := g.compareLines(l, g.lineOf(m))
	return c < 0, err
}

// mergeMessage stores a new message, or the deletion marker of one, where log lines are about. It
// finds the line of the message, whose own record goes, and then that of the message that
// had that line.
func (g *guildTx) mergeMessage(p *putOp, s record.Value, marker bool) error {
	if err := g.approach(p.key.User, p.key.Time); err != nil {
		return err
	}
	m := g.near.room()
	*m = message{key: p.key, Value: s, removed: marker, opened: true}
	m.words = words{has: true, open: true, text: []byte(p.content), size: len(p.content), hash: s.First}
	if !m.Gone {
		m.Text = m.words.text
	}
	g.near.insert(m)
	return g.settleMessage(m, true)
}

// settleMessage gives a message that has no line the best one that would rather have it, and
// goes on with the message that had that line. The first message may be new.
func (g *guildTx) settleMessage(m *message, isNew bool) error {
	for first := true; ; first = false {
		best, err := g.bestOffer(m)
		if err != nil {
			return err
		}
		var by *message
		if best != nil {
			if by = best.by; by != nil {
				if _, err := g.release(by); err != nil {
					return err
				}
			}
			if err := g.hold(m, best.line, best.tier); err != nil {
				return err
			}
		}
		switch {
		case first && isNew:
			err = g.putMessage(m)
			if m.Gone { // from now on it is what the file says
				m.words, m.held = m.wordsOf(), nil
			}
		case !first || best != nil:
			err = g.rewrite(m)
		}
		switch {
		case err != nil || best == nil:
			return err
		case by == nil:
			g.near.drop(best.line)
			return g.remove(best.line.key)
		}
		m = by
	}
}

// offer is a log line that a message may pair with: a record of its own, or
// held by another message.
type offer struct {
	rank
	line *logLine
	by   *message
}

// bestOffer returns the best line that is single, or would rather have m than
// the message that holds it; nil if there is none.
func (g *guildTx) bestOffer(m *message) (best *offer, err error) {
	from, to := m.key.Time-logBefore, m.key.Time+logAfter
	// A line in this span may be held by a message that lies as far on its other side.
	if err := g.extend(from-logAfter, to+logBefore); err != nil {
		return nil, err
	}
	consider := func(l *logLine, by *message) error {
		r, ok, err := g.rankOf(l, m)
		if err != nil || !ok {
			return err
		}
		if by != nil {
			held, err := g.heldRank(by)
			if c := r.compare(held); err != nil || c > 0 || c == 0 && m.key.Compare(by.key) > 0 {
				return err
			}
		}
		if best != nil {
			c := r.compare(best.rank)
			if c == 0 {
				c, err = g.compareLines(l, best.line)
			}
			if err != nil || c > 0 {
				return err
			}
		}
		best = &offer{r, l, by}
		return nil
	}
	for _, l := range g.near.single(from, to) {
		if err := consider(l, nil); err != nil {
			return nil, err
		}
	}
	for _, o := range g.near.around(from-logAfter, to+logBefore) {
		if o == m || !o.InLogs || o.Line.Time < from || o.Line.Time > to {
			continue
		}
		if err := consider(g.lineOf(o), o); err != nil {
			return nil, err
		}
	}
	return best, nil
}

// hold makes a message remember a line as its own.
func (g *guildTx) hold(m *message, l *logLine, t tier) error {
	if err := g.openMessage(m); err != nil {
		return err
	}
	m.InLogs, m.held = true, nil
	m.Line = record.Line{Time: l.time, Channel: l.channel}
	if t != edited && m.First == 0 && m.Hash == 0 {
		return nil
	}
	if err := g.identify(l); err != nil {
		return err
	}
	m.Line.Key = l.id
	if t != edited {
		return nil
	}
	if l.words.has && !l.gone && !m.Gone {
		if err := g.openWords(&l.words); err != nil {
			return err
		}
		m.Line.HasText, m.Line.Text, m.Line.Size = true, slices.Clone(l.words.text), len(l.words.text)
		return nil
	}
	hash, err := g.textHash(&l.words)
	m.Line.Hash = max(hash, unknownText)
	return err
}

// release takes the line of a message away and returns it, nil if there was none.
func (g *guildTx) release(m *message) (*logLine, error) {
	if !m.InLogs {
		return nil, nil
	}
	l := g.lineOf(m)
	if err := g.openMessage(m); err != nil {
		return nil, err
	}
	if l.words.line {
		if err := g.openWords(&l.words); err != nil {
			return nil, err
		}
	}
	m.InLogs, m.Line, m.held = false, record.Line{Channel: m.Channel}, nil
	return l, nil
}
