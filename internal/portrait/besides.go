package portrait

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/store"
)

const (
	shownStickers = 3
	maxSticker    = 30 // characters of a sticker's name, which is Discord's own limit
)

// besides tells what else than writing the user does. What they forward is counted and
// never quoted: somebody else wrote it.
func (s *Subject) besides() string {
	var polls, forwards, stickers int64
	names := map[string]int{}
	for _, r := range s.Messages {
		x := r.Extra
		if x == nil {
			continue
		}
		if x.Poll != nil {
			polls++
		}
		if x.Forwarded != nil {
			forwards++
		}
		stickers += int64(len(x.Stickers))
		for _, name := range x.Stickers {
			if name = cut(oneLine(name), maxSticker); name != "" {
				names[name]++
			}
		}
	}
	var facts []string
	if polls > 0 {
		facts = append(facts, plural(polls, "poll"))
	}
	if forwards > 0 {
		facts = append(facts, plural(forwards, "forward")+" of what others wrote")
	}
	if stickers > 0 {
		facts = append(facts, plural(stickers, "sticker")+liked(names))
	}
	if len(facts) == 0 {
		return ""
	}
	return fmt.Sprintf("In their last %s: %s.", plural(int64(len(s.Messages)), "message"), strings.Join(facts, ", "))
}

// liked names the stickers that were sent most.
func liked(names map[string]int) string {
	if len(names) == 0 {
		return ""
	}
	most := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		if c := cmp.Compare(names[b], names[a]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	return " (" + strings.Join(most[:min(len(most), shownStickers)], ", ") + ")"
}

// said is what the user wrote in a message: its content, and what a poll of theirs asks.
func said(r *store.Record) string {
	if r.Extra == nil || r.Extra.Poll == nil {
		return r.Content
	}
	text := strings.Join(append([]string{"poll: " + r.Extra.Poll.Question}, r.Extra.Poll.Answers...), " / ")
	if r.Content != "" {
		text = r.Content + " " + text
	}
	return text
}
