// Package search is the query language: it parses what people type to find a message,
// and reports which messages match and where.
//
//	q, err := search.Parse(`from:alice "good morning" -spam`, time.UTC, now)
//	matched := q.Match(&search.Message{Content: text})
//	spans := q.Spans(text)
//
// # Queries
//
// All parts of a query must hold. They are separated by spaces:
//
//	word              the word
//	pre*              a word that begins so
//	"a phrase"        these words, one directly after the other
//	-word, -"phrase"  the opposite; a minus sign negates every part but the dates
//	from: in:         who wrote it, and where; of several, one must hold
//	mentions:         whom it mentions
//	has:              link, file, poll, forward, sticker or reply
//	before: after:    earlier than the day, and later than it
//	during:           on the day
//
// A day is YYYY-MM-DD, today or yesterday, and may be a month (YYYY-MM), a year (YYYY) or an
// instant (RFC 3339) as well. A value with spaces stands in quotation marks: in:"old stuff". What
// looks like a filter of another name (https://…) is a word.
//
// # Matching
//
// Texts and queries are cut into tokens (Tokens) of the same form. A token is
//
//   - a run of letters, marks and digits;
//   - in Chinese, Japanese, Thai, Lao, Khmer and Burmese, which are written without spaces,
//     one character. That is why any substring of such a text matches;
//   - an emoji. The name of a custom emoji is words.
//
// Everything else separates tokens, and marks of Discord (mentions, timestamps, links to
// channels) have none. Case, full and half width, and the diacritics of Latin, Greek and
// Cyrillic letters make no difference, nor do invisible characters.
//
// A word of several tokens, such as node.js, matches them in a row. The text that somebody
// forwarded is not the author's own: a match lies in the author's texts (content, poll and
// stickers) or in the forwarded one, never in both together.
package search
