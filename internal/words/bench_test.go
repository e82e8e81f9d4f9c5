package words

import (
	"testing"
	"time"
)

// BenchmarkMessage counts one message after the other with one Counter.
func BenchmarkMessage(b *testing.B) {
	for name, messages := range map[string][]string{
		"english":  talk(1000, english(1)),
		"chinese":  talk(1000, mandarin(1)),
		"japanese": talk(1000, nihongo(1)),
		"korean":   talk(1000, korean(1)),
		"emoji":    {"😂😂👋🏽 👨‍👩‍👧 🇩🇪 ❤️"},
		"custom":   {"<:pog:812345678901234567> <a:party:823456789012345678>"},
	} {
		b.Run(name, func(b *testing.B) {
			c := NewLexicon(time.Minute).NewCounter()
			bytes := 0
			for _, m := range messages {
				c.Add(m)
				bytes += len(m)
			}
			b.SetBytes(int64(bytes / len(messages)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.Add(messages[i%len(messages)])
				i++
			}
		})
	}
}

// BenchmarkProfile is the answer for a user: a thousand messages, ten of each.
func BenchmarkProfile(b *testing.B) {
	messages := talk(1000, english(1))
	l := NewLexicon(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		c := l.NewCounter()
		for _, m := range messages {
			c.Add(m)
		}
		c.Top(10, 10)
	}
}

// BenchmarkGuild is the answer for a busy guild's week: a hundred thousand
// messages in several languages, with the dictionaries in use or not yet read.
func BenchmarkGuild(b *testing.B) {
	messages := talk(100_000, everybody()...)
	count := func(l *Lexicon) {
		c := l.NewCounter()
		for _, m := range messages {
			c.Add(m)
		}
		c.Top(100, 100)
	}
	b.Run("warm", func(b *testing.B) {
		l := NewLexicon(time.Minute)
		for b.Loop() {
			count(l)
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			count(NewLexicon(time.Minute))
		}
	})
}
