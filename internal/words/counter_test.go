package words

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// lexicon is for all tests, so that they need not read the dictionaries each.
var lexicon = sync.OnceValue(func() *Lexicon { return NewLexicon(time.Hour) })

// counts is what a Counter says of some texts: "word:2 other:1 | 😂:3".
func counts(t testing.TB, texts ...string) string {
	t.Helper()
	c := lexicon().NewCounter()
	for _, text := range texts {
		if err := c.Add(text); err != nil {
			t.Fatalf("add %q: %v", text, err)
		}
	}
	return show(c)
}

func show(c *Counter) string {
	words, emoji := c.Top(1000, 1000)
	var out []string
	for _, w := range words {
		out = append(out, fmt.Sprintf("%s:%d", w.Word, w.Count))
	}
	out = append(out, "|")
	for _, e := range emoji {
		out = append(out, fmt.Sprintf("%s:%d", e.Emoji, e.Count))
	}
	return strings.Join(out, " ")
}

// examples have a text and what is counted in it.
type examples []struct{ name, text, want string }

func (list examples) check(t *testing.T) {
	for _, e := range list {
		t.Run(e.name, func(t *testing.T) {
			if got := counts(t, e.text); got != e.want {
				t.Errorf("%q\n got %s\nwant %s", e.text, got, e.want)
			}
		})
	}
}

func TestWords(t *testing.T) {
	examples{
		{"nothing", "", "|"},
		{"spaces", " \n\t　\u00a0", "|"},
		{"words", "good game good night", "good:2 game:1 night:1 |"},
		{"upper case", "Server SERVER sErVeR", "server:3 |"},
		{"final sigma", "λόγος ΛΌΓΟΣ λόγοσ Λόγος. (λόγος)", "λόγος:5 |"},
		{"sigma within", "ΣΟΦΌΣ σοφὸς Ὀδυσσεύς ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς:2 σοφός:1 σοφὸς:1 |"},
		{"sigma alone", "Σ ς σ", "σ:3 |"},
		{"sigma and what is no letter", "ΣΑΣ' ΑΣ’ΤΟ ΣΑΣ_1 ΣΑΣ:ΣΑΣ ΣΑΣ1", "σας:3 ασ'το:1 σας1:1 σας_1:1 |"},
		{"sigma before a mark", "ΟΔΟΣ\u0301 οδος\u0301", "οδος\u0301:2 |"},
		{"stop-words", "The server is not THE server I want, and it's Don't don’t", "server:2 want:1 |"},
		{"apostrophes", "l'été 'quoted' rock'n'roll dogs' 'tis l’été", "l'été:2 dogs:1 quoted:1 rock'n'roll:1 tis:1 |"},
		{"dots", "node.js. e.g. ... wait...what v1.2", "e.g:1 node.js:1 v1.2:1 wait:1 |"},
		{"colon", "edit:typo re:zero é:ö", "edit:1 re:1 typo:1 zero:1 é:1 ö:1 |"},
		{"hyphens and slashes", "well-known and/or either/both", "known:1 |"},
		{"underscores", "snake_case __bold__ _x_ __ _", "bold:1 snake_case:1 x:1 |"},
		{"markdown", "**bold** ~~struck~~ ||spoiler|| # head\n> quote\n- item\n-# small", "bold:1 head:1 item:1 quote:1 small:1 spoiler:1 struck:1 |"},
		{"quotes", `"double" “curly” «french» „german“ 「日本」`, "curly:1 double:1 french:1 german:1 日本:1 |"},
		{"digits", "1 22 3.14 1,000 1_000 12:30 ２０ ٣ 5% 4th 2x h4x0r", "2x:1 4th:1 h4x0r:1 |"},
		{"single letters", "a i x W é", "w:1 x:1 é:1 |"},
		{"french", "C'était déjà très BIEN, c'est ça", "bien:1 c'est:1 c'était:1 déjà:1 très:1 ça:1 |"},
		{"german", "Größe GRÖSSE größe ẞ ß", "größe:2 ß:2 grösse:1 |"},
		{"turkish", "İstanbul istanbul ISPARTA ısparta", "istanbul:2 isparta:1 ısparta:1 |"},
		{"greek", "ΣΊΣΥΦΟΣ Σίσυφος", "σίσυφος:2 |"},
		{"russian", "Привет, ПРИВЕТ ёлка", "привет:2 ёлка:1 |"},
		{"arabic", "مرحبا بالعالم، مرحبا", "مرحبا:2 بالعالم:1 |"},
		{"hebrew", "שלום עולם צה\"ל", "עולם:1 צה\"ל:1 שלום:1 |"},
		{"hindi", "नमस्ते दुनिया नमस्ते", "नमस्ते:2 दुनिया:1 |"},
		{"thai", "สวัสดีครับ 555 ๕๕๕ ขอบคุณ สวัสดีครับ", "สวัสดีครับ:2 ขอบคุณ:1 |"},
		{"vietnamese", "Việt Nam VIỆT", "việt:2 nam:1 |"},
		{"korean", "오늘 게임 하고 오늘 ㅋㅋㅋㅋ", "오늘:2 ㅋㅋㅋㅋ:1 게임:1 하고:1 |"},
		{"korean beside latin", "LoL게임 게임lol", "lol게임:1 게임lol:1 |"},
		{"georgian", "ᲛᲐᲒᲐᲠᲘ მაგარი", "მაგარი:2 |"},
		{"bopomofo", "ㄏㄏ ㄏㄏ", "ㄏㄏ:2 |"},
		{"full width", "ＷＷＷ ｗｗｗ １２", "ｗｗｗ:2 |"},
	}.check(t)
}

func TestChineseAndJapanese(t *testing.T) {
	examples{
		{"simplified", "今天晚上一起玩游戏吗？服务器又更新了", "今天:1 晚上:1 更新:1 服务器:1 玩游戏:1 |"},
		{"traditional", "為什麼伺服器又更新了，大家都覺得很厲害", "伺服器:1 厲害:1 更新:1 覺得:1 |"},
		{"stop-words alone", "我们的是什么 這個就是我們的 没有吗", "|"},
		{"taiwan", "這裡的貓咪好可愛喔 晚安啦", "可愛:1 晚安:1 貓咪:1 |"},
		{"numerals", "一 二十 三千五百 两 第一", "第一:1 |"},
		{"single characters", "猫 草 的 龘", "猫:1 草:1 |"},
		{"latin between", "我用python写程序", "python:1 写:1 用:1 程序:1 |"},
		{"laughter", "哈哈哈哈", "哈哈哈哈:1 |"},
		{"one kana in chinese", "超级の可爱啊真的好喜欢这个角色", "可爱:1 喜欢:1 角色:1 超级:1 |"},
		{"katakana in chinese", "我昨天在玩ゼルダ", "ゼルダ:1 昨天:1 玩:1 |"},
		{"japanese", "今日はゲームをした。東京タワーに行きました", "ゲーム:1 タワー:1 今日:1 東京:1 行き:1 |"},
		{"hiragana only", "すごいですね ありがとうございます", "ありがとう:1 すごい:1 |"},
		{"katakana only", "ゲームセンター ゲーム", "ゲーム:1 ゲームセンター:1 |"},
		{"kanji in a japanese message", "草 それは草", "草:2 |"},
		{"half width", "ｹﾞｰﾑが好き", "ゲーム:1 好き:1 |"},
		{"voicing marks apart", "ケ\u3099ームが好き", "ゲーム:1 好き:1 |"},
		{"long vowels", "ーーー スーパー", "スーパー:1 |"},
		{"beyond the basic plane", "𠮷野家で𠮷", "野家:1 |"},
		{"kana and emoji", "すごい😂すごい", "すごい:2 | 😂:1"},
	}.check(t)
}

func TestOtherThanWords(t *testing.T) {
	examples{
		{"urls", "see https://example.com/a_b?c=d#e HTTP://X.Y steam://run/1 after", "see:1 |"},
		{"url in angles", "<https://example.com/path> next", "next:1 |"},
		{"masked link", "[click me](https://example.com/x),next", "click:1 next:1 |"},
		{"url at the end of a spoiler", "||https://example.com/|| x", "x:1 |"},
		{"url behind a letter of another script", "看看https://example.com/路径 好看", "好看:1 看看:1 |"},
		{"www", "www.example.com/watch WWW.münchen.de www. www", "www:2 |"},
		{"invite", "discord.gg/aBc youtu.be/x?y example.com", "example.com:1 |"},
		{"mentions", "<@812345678901234567> <@!812345678901234567> <@&812345678901234567> hey", "hey:1 |"},
		{"everyone", "@everyone @here @everyones @heresy @Here", "everyones:1 heresy:1 |"},
		{"channels", "<#812345678901234567> <id:customize> <id:guide>", "|"},
		{"timestamps", "<t:1700000000> <t:1700000000:R> <t:-1:F>", "|"},
		{"commands", "</play:812345678901234567> </music play song:812345678901234567>", "|"},
		{"not quite marks", "<@name> <#x> <t:soon> </x> <:a:b> <x:y:1> < > <>", "x:3 b:1 name:1 soon:1 t:1 y:1 |"},
		{"code block", "before ```go\nfunc main() {}\n``` after", "|"},
		{"inline code", "run `rollcall check` now `x``y`", "run:1 |"},
		{"two backticks", "``a ` b`` word", "word:1 |"},
		{"open code", "`not closed ``neither ```nor this", "closed:1 |"},
		{"four backticks", "````code```` word", "word:1 |"},
		{"escaped backtick", "\\`word\\` \\\\`code`", "word:1 |"},
		{"backslash at the end", "word\\", "word:1 |"},
		{"emoji in code and urls", "`😂 <:pog:1>` https://x.y/😂", "|"},
	}.check(t)
}

func TestHostile(t *testing.T) {
	long := strings.Repeat("x", MaxLength)
	examples{
		{"NUL", "a\x00word\x00", "word:1 |"},
		{"not UTF-8", "word\xffword \xe4\xb8 \xf0\x9f\x98 \xed\xa0\x80 end\xc3", "word:2 end:1 |"},
		{"replacement character", "word\ufffdword", "word:2 |"},
		{"combining marks", "e\u0301te\u0301 ÉTÉ \u0301 \u0301\u0301x", "été:2 x:1 |"},
		{"jamo", "\u1112\u1161\u11ab\u1100\u1173\u11af 한글", "한글:2 |"},
		{"soft hyphen", "ser\u00adver server ser\u2060ver", "server:3 |"},
		{"zero width space", "many\u200bservers", "servers:1 |"},
		{"joiner at the end", "server\u200d server\u200c", "server:2 |"},
		{"direction", "\u202eserver\u202c \u200fשלום\u200f", "server:1 שלום:1 |"},
		{"selectors", "server\ufe0f s\ufe0ferver", "server:2 |"},
		{"as long as may be", long + " " + strings.Repeat("é", MaxLength), long + ":1 " + strings.Repeat("é", MaxLength) + ":1 |"},
		{"too long", long + "x " + strings.Repeat("é", MaxLength+1) + " " + strings.Repeat("ゲ", MaxLength+1) + " " + long + "X", "|"},
		{"too many joined", strings.Repeat("👩\u200d", MaxLength) + "👩 😂", "| 😂:1"},
		{"joined to a letter", "ab\u200d😀 é1️⃣ word1️⃣", "ab:1 word:1 é:1 | 1️⃣:2 😀:1"},
	}.check(t)

	t.Run("64 KiB", func(t *testing.T) {
		for _, piece := range []string{"a", "a ", "é", "é ", "中", "あ", "ア", "한", "ก", "`", "``a", "` ", "<", "<@", "<:", "@", "#", "1\ufe0f", "1️⃣", "\\``", "👩\u200d", "🇩", "🏴\U000e0067", "\u0301", "_", ".", "a.", "'", "\\", "w.", "http://", "\xff", "\x00", "( "} {
			counts(t, strings.Repeat(piece, (64<<10)/len(piece)+1)[:64<<10])
		}
	})
}

func TestTop(t *testing.T) {
	c := lexicon().NewCounter()
	words, emoji := c.Top(10, 10)
	if words == nil || emoji == nil || len(words)+len(emoji) != 0 {
		t.Errorf("nothing counted: %#v %#v", words, emoji)
	}
	for n := range 300 {
		text := strings.Repeat(fmt.Sprintf("w%03d ", n), 1+n%7) + strings.Repeat(fmt.Sprintf("<:e%03d:%d> ", n, n), 1+n%7)
		if err := c.Add(text); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := c.Top(1000, 0)
	if len(all) != 300 {
		t.Fatalf("%d words, want 300", len(all))
	}
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Count < b.Count || a.Count == b.Count && a.Word >= b.Word {
			t.Errorf("%v before %v", a, b)
		}
	}
	for _, n := range []int{-1, 0, 1, 2, 10, 42, 43, 299, 300, 301} {
		words, emoji := c.Top(n, n)
		want := all[:min(max(n, 0), len(all))]
		if len(words) != len(want) || len(want) > 0 && !reflect.DeepEqual(words, want) {
			t.Errorf("top %d: %v, want %v", n, words, want)
		}
		if len(emoji) != len(want) {
			t.Errorf("top %d: %d emoji, want %d", n, len(emoji), len(want))
		}
	}
	if _, emoji = c.Top(0, 2); !reflect.DeepEqual(emoji, []Emoji{{"<:e006:6>", 7}, {"<:e013:13>", 7}}) {
		t.Errorf("emoji: %v", emoji)
	}
}

// TestBound shows that a Counter never says less than was said: it refuses.
func TestBound(t *testing.T) {
	for name, texts := range map[string][]string{
		"words":  {"one1 two2 three3", "four4 one1"},
		"emoji":  {"one1 😂 👍", "one1 😂 ❤️"},
		"custom": {"one1 <:a:1> <:b:2>", "<:c:3>"},
	} {
		t.Run(name, func(t *testing.T) {
			c := lexicon().NewCounter()
			c.limit = 3
			if err := c.Add(texts[0]); err != nil {
				t.Fatalf("within the bound: %v", err)
			}
			if err := c.Add(texts[0]); err != nil {
				t.Fatalf("the same again: %v", err)
			}
			if err := c.Add(texts[1]); !errors.Is(err, ErrTooMany) {
				t.Fatalf("one more: %v, want ErrTooMany", err)
			}
			if err := c.Add(""); !errors.Is(err, ErrTooMany) {
				t.Fatalf("from then on: %v, want ErrTooMany", err)
			}
		})
	}
}

func ExampleCounter() {
	lexicon := NewLexicon(time.Minute)
	counter := lexicon.NewCounter()
	for _, text := range []string{"The server is down again 😭", "Server up! <:pog:812345678901234567>", "伺服器又更新了😭"} {
		if err := counter.Add(text); err != nil {
			fmt.Println(err)
		}
	}
	words, emoji := counter.Top(2, 2)
	fmt.Println(words, emoji)
	// Output: [{server 2} {伺服器 1}] [{😭 2} {<:pog:812345678901234567> 1}]
}
