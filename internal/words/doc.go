// Package words counts the words and the emoji of messages, exactly.
//
//	lexicon := words.NewLexicon(time.Minute) // one for the process
//	counter := lexicon.NewCounter()          // one for an answer
//	err := counter.Add(content)              // for each message
//	top, emoji := counter.Top(10, 10)
//
// # What a word is
//
// Words are separated as Unicode says (UAX 29), so that "don't", "l'été",
// "node.js" and "snake_case" are one word each. They are counted as they are
// spelt in lower case (Unicode's simple case folding, but a dotless ı stays one,
// and a Greek word ends in ς) and in NFC, with ' for ’ and without invisible
// characters.
//
// Chinese and Japanese are cut by the dictionaries of the package cjk. A message
// is Japanese if of its hiragana and Chinese characters at least one in eight is
// hiragana, or if it has no hiragana but at least as many katakana as Chinese
// characters; otherwise its Chinese characters are Chinese, and each run of kana
// is a word of its own. Thai, Lao, Khmer and Burmese, which are also written
// without spaces, and for which there is no dictionary, are taken as they are
// typed: up to the next space.
//
// No words are:
//
//   - stop-words of English and of Chinese, simplified and traditional
//     (stopwords/), and of Japanese what cjk.Token calls no word;
//   - what has no letter, or only Chinese numerals (一, 二十);
//   - single kana, and single Chinese characters that no dictionary has; one
//     letter of another script is a word if it is no stop-word ("x", "w");
//   - what is longer than MaxLength characters;
//   - URLs: what follows "://" or "www.", and a name with a dot and a path
//     ("discord.gg/abc"), up to the next space;
//   - code between backticks, one, two or three, if they are closed again;
//   - what Discord marks: mentions of users, roles and commands, @everyone,
//     @here, channels, timestamps, custom emoji.
//
// # What an emoji is
//
// One grapheme cluster is one emoji: a flag, a family, a keycap, a hand of some
// colour. A character that is text unless U+FE0F says otherwise (©, ™, ❤) is one
// only with it. Emoji are shown fully qualified, so that the same one sent with
// and without its invisible selectors is counted once.
//
// Custom emoji are counted by their id and shown as <:name:id>, animated or
// not. Of several names of an id the smallest in bytes is shown. In code and in
// URLs there are no emoji.
//
// # Bounds
//
// A Counter keeps each distinct word once, some 100 bytes, and can hold
// MaxDistinct of them: it says so rather than count on without. Nothing else
// grows with what is added. The order of messages makes no difference.
package words
