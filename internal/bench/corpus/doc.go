// Package corpus makes up the logs of some lively guilds, in the layout and with
// the lines of the current era: a folder a guild and day, in it an info.jsonl.
// The same Options give the same bytes.
//
// What a bench depends on is as in real logs: few people say most (a Zipf law,
// each guild with its own order of them), evenings are busier than mornings, most
// messages are short and a few very long, people write Latin, Chinese, Japanese
// and Korean and put emoji behind it, and some lines are no messages.
package corpus
