package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/internal/bench/corpus"
	"rollcall/store"
)

// askCorpus is a year of twenty guilds in which each of a hundred thousand users may
// write, if there are ten million lines: in the largest guild more than eighty thousand
// do. Fewer lines are of fewer days and users.
func askCorpus(lines int) corpus.Options {
	return corpus.Options{Lines: lines, Guilds: 20, Users: max(lines/100, 50), Days: min(max(lines/10_000, 7), 365), Seed: 1}
}

// What is asked, and how often.
const (
	askProfile = "profile of a user"
	askUser    = "last 50 messages of a user"
	askGuild   = "last 50 messages of a guild"
	askLeaders = "leaderboard of the largest guild, 30 days"
	askSeries  = "series of a guild, a year"
	askLargest = "series of the largest guild, a year"
	askWords   = "words of the largest guild, 7 days"
	askPattern = "messages of a guild that hold a rare word"
	askOpen    = "opening the file"
)

// wait is how long answers took, in milliseconds.
type wait struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// inProcess is behind the names of questions that are asked of the store itself, as
// SQLite is asked in its own process: what a socket, HTTP and JSON cost is not in them.
const inProcess = ", in the process"

// ask is what a full database answers, to one who asks one thing after the other: us
// over the daemon's socket, in JSON; and us and SQLite in the process.
func ask() scenario {
	limits := map[string]target{
		askProfile: valueOf(atMost, 2), askUser: valueOf(atMost, 3), askGuild: valueOf(atMost, 3), askLeaders: valueOf(atMost, 50),
		askSeries: valueOf(atMost, 30), askWords: valueOf(atMost, 1500), askOpen: valueOf(atMost, 150),
	}
	// Ours is to take at most this share of SQLite's time.
	shares := map[string]target{
		askProfile: ratioOf(atMost, 0.05), askLeaders: ratioOf(atMost, 0.05), askSeries: ratioOf(atMost, 0.05),
		askUser: ratioOf(atMost, 1), askGuild: ratioOf(atMost, 1), askPattern: ratioOf(atMost, 1), askLargest: {},
	}
	s := scenario{
		name: "ask", title: "questions of a full database", most: 1, corpus: askCorpus,
		job:        func(s sizes) (task, int) { return task{Messages: s.questions}, s.askLines },
		contenders: []contender{{ours, askOurs}, {mattn, askSQLite}},
	}
	for _, q := range []string{askProfile, askUser, askGuild, askLeaders, askSeries, askLargest, askWords, askPattern, askOpen} {
		s.rows = append(s.rows, row{what: q + ", 99 % (ms)", of: func(m measures) float64 { return m.Asked[q].P99 }, unit: decimal, target: limits[q]})
		if share, ok := shares[q]; ok {
			q += inProcess
			s.rows = append(s.rows, row{what: q + ", median (ms)", of: func(m measures) float64 { return m.Asked[q].P50 }, unit: decimal, against: mattn, target: share})
		}
	}
	return s
}

// questions are drawn from the same seed for each contender.
type questions struct {
	ctx    context.Context
	task   task
	random *rand.Rand
	guilds []store.ID // from the largest on
	users  []store.ID
	last   time.Time // of all messages, about
	result *measures
}

func newQuestions(ctx context.Context, t task, result *measures) *questions {
	o := askCorpus(int(t.Expect.Lines))
	q := &questions{ctx: ctx, task: t, users: corpus.Users(o), last: corpus.End(o), result: result}
	q.guilds = corpus.GuildIDs(o)
	result.Asked = map[string]wait{}
	return q
}

// ask asks one thing some times, which f does, and notes how long it took. f returns
// false if what it drew is not there: that does not count.
func (q *questions) ask(name string, times int, f func() (bool, error)) error {
	var waits []float64
	for tries := 0; len(waits) < times; tries++ {
		if tries > 100*times {
			return fmt.Errorf("%s: hardly any of what is drawn is there", name)
		}
		start := time.Now()
		ok, err := f()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ok {
			waits = append(waits, float64(time.Since(start).Microseconds())/1000)
			q.result.Count++
		}
	}
	slices.Sort(waits)
	q.result.Asked[name] = wait{quantile(waits, 0.5), quantile(waits, 0.99)}
	return nil
}

func (q *questions) guild() store.ID { return q.guilds[q.random.IntN(len(q.guilds))] }
func (q *questions) user() store.ID  { return q.users[q.random.IntN(len(q.users))] }

// since is the beginning of the day so many days before the last one.
func (q *questions) since(days int) time.Time { return q.last.AddDate(0, 0, -days) }

// answerer is a contender's way to answer each question. ok is false if there is
// nothing of the guild and user.
type answerer interface {
	profile(guild, user store.ID) (ok bool, err error)
	newest(guild, user store.ID) (ok bool, err error) // user 0: of the guild
	leaders(guild store.ID, since time.Time) error
	series(guild store.ID, since time.Time) error
	pattern(guild store.ID) error
}

// askAll asks what both sides are asked; how says where, behind the questions' names.
func (q *questions) askAll(a answerer, how string) error {
	n := q.task.Messages
	q.random = rand.New(rand.NewPCG(9, 9))
	few := max(n/50, 3)
	year, month := q.since(365), q.since(30)
	return errors.Join(
		q.ask(askProfile+how, n, func() (bool, error) { return a.profile(q.guild(), q.user()) }),
		q.ask(askUser+how, n, func() (bool, error) { return a.newest(q.guild(), q.user()) }),
		q.ask(askGuild+how, n, func() (bool, error) { return a.newest(q.guild(), 0) }),
		q.ask(askLeaders+how, few, func() (bool, error) { return true, a.leaders(q.guilds[0], month) }),
		q.ask(askSeries+how, few, func() (bool, error) { return true, a.series(q.guild(), year) }),
		q.ask(askLargest+how, max(few/4, 3), func() (bool, error) { return true, a.series(q.guilds[0], year) }),
		q.ask(askPattern+how, 3, func() (bool, error) { return true, a.pattern(q.guilds[min(2, len(q.guilds)-1)]) }),
	)
}
