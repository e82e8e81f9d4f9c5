package portrait

import "unicode"

// longWord is the number of letters and digits from which a run of them is more
// likely a key than a word that tokenizers know.
const longWord = 12

// Tokens estimates how many tokens a language model counts in a text. It was held
// against cl100k and o200k (GPT), r50k (GPT-2) and those of Llama 2 and 3: it is above
// them for English (by a quarter) and for Chinese and Japanese, and never far below
// for any script.
//
// Four letters of a word are a token, three in four of an overlong one are one each;
// so is each digit and each mark of punctuation. A letter beyond ASCII is one less
// than it has bytes, and what is no letter (emoji, accents on their own) as many as
// it has.
func Tokens(text string) int {
	n, letters, digits := 0, 0, 0
	endWord := func() {
		if long := letters + digits; letters > 0 && long > longWord {
			n += long - long/4
		} else {
			n += (letters+3)/4 + digits
		}
		letters, digits = 0, 0
	}
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
			continue
		case r < 0x80 && unicode.IsLetter(r):
			letters++
			continue
		}
		endWord()
		switch size := len(string(r)); {
		case r == ' ':
		case size == 1:
			n++
		case unicode.IsLetter(r) && size < 4:
			n += size - 1
		default:
			n += size
		}
	}
	endWord()
	return n
}
