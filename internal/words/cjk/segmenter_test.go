package cjk

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// dictionaries is for all tests that do not look at how it is read and let go.
var dictionaries = sync.OnceValue(func() *Dictionaries { return New(time.Hour) })

// pieces shows tokens: 東京 (都) (に), those in parentheses no words.
func pieces(run string, tokens []Token) string {
	var out []string
	begin := 0
	for _, t := range tokens {
		if piece := run[begin:t.End]; t.Word {
			out = append(out, piece)
		} else {
			out = append(out, "("+piece+")")
		}
		begin = t.End
	}
	return strings.Join(out, " ")
}

func TestChinese(t *testing.T) {
	s := dictionaries().NewSegmenter()
	for run, want := range map[string]string{
		"":                      "",
		"我来到北京清华大学":             "我 来到 北京 清华大学",
		"今天晚上一起玩游戏吗":            "今天 晚上 一起 玩游戏 吗",
		"为什么服务器又更新了":            "为什么 服务器 又 更新 了",
		"為什麼伺服器又更新了":            "為什麼 伺服器 又 更新 了",
		"爲什麼伺服器又更新了":            "爲什麼 伺服器 又 更新 了",
		"這裡的貓咪好可愛喔":             "這裡 的 貓咪 好 可愛 喔",
		"研究生命起源":                "研究 生命 起源",
		"南京市长江大桥":               "南京市 长江大桥",
		"他来到了网易杭研大厦":            "他 来到 了 网易 杭 研 大厦",
		"龘𠮷":                    "(龘) (𠮷)",
		strings.Repeat("你好", 5): "你好 你好 你好 你好 你好",
	} {
		if got := pieces(run, s.Chinese(nil, run)); got != want {
			t.Errorf("%s: %s, want %s", run, got, want)
		}
	}
}

func TestJapanese(t *testing.T) {
	s := dictionaries().NewSegmenter()
	for run, want := range map[string]string{
		"":             "",
		"東京都に住んでいます":   "東京 (都) (に) 住ん (で) (い) (ます)",
		"すもももももももものうち": "すもも (も) もも (も) もも (の) (うち)",
		"お疲れ様でした":      "お疲れ様 (でし) (た)",
		"今日の配信楽しかったですね":   "今日 (の) 配信 楽しかっ (た) (です) (ね)",
		"スマホゲームのガチャで爆死した": "スマホゲーム (の) ガチャ (で) 爆死 (し) (た)",
		"三人で学校に行った":       "(三) (人) (で) 学校 (に) 行っ (た)",
		"草":               "草",
		"龘𠮷":              "(龘) (𠮷)",
	} {
		if got := pieces(run, s.Japanese(nil, run)); got != want {
			t.Errorf("%s: %s, want %s", run, got, want)
		}
	}
}

// TestCheapest holds the way that was found against all that there are.
func TestCheapest(t *testing.T) {
	s := dictionaries().NewSegmenter()
	s.Chinese(nil, "的")
	d := s.chinese
	var cheapest func(run []rune) int
	cheapest = func(run []rune) int {
		if len(run) == 0 {
			return 0
		}
		best := int(d.unknown) + cheapest(run[1:])
		node := uint32(0)
		for i, r := range run {
			if node = d.words.child(node, uint16(r)); node == 0 {
				break
			}
			if c := int(d.costs[node]); c != 0 {
				best = min(best, c+cheapest(run[i+1:]))
			}
		}
		return best
	}
	for _, run := range []string{"研究生命起源", "南京市长江大桥", "結婚的和尚未結婚的", "乒乓球拍卖完了", "龘的龘"} {
		cost, begin := 0, 0
		for _, token := range s.Chinese(nil, run) {
			node := uint32(0)
			for _, r := range run[begin:token.End] {
				node = d.words.child(node, uint16(r))
			}
			if token.Word {
				cost += int(d.costs[node])
			} else {
				cost += int(d.unknown)
			}
			begin = token.End
		}
		if want := cheapest([]rune(run)); cost != want {
			t.Errorf("%s cut as %s costs %d, could be %d", run, pieces(run, s.Chinese(nil, run)), cost, want)
		}
	}
}

// TestLong shows that a run of any length is cut, and in memory that does not grow with it.
func TestLong(t *testing.T) {
	s := dictionaries().NewSegmenter()
	for name, cut := range map[string]func([]Token, string) []Token{"chinese": s.Chinese, "japanese": s.Japanese} {
		for _, piece := range []string{"中", "今天", "あ", "ア", "は", "ー", "龘", "𠮷", "日本語の"} {
			run := strings.Repeat(piece, (64<<10)/len(piece))
			checkTokens(t, name+" "+piece, run, cut(nil, run))
		}
	}
	if n := cap(s.lattice.words); n > 256*maxRun {
		t.Errorf("the lattice has room for %d words", n)
	}
}

// checkTokens makes sure that tokens are a run's pieces, none empty, none
// inside of a character.
func checkTokens(t *testing.T, name, run string, tokens []Token) {
	t.Helper()
	begin := 0
	for _, token := range tokens {
		if token.End <= begin || token.End > len(run) || token.End < len(run) && !utf8.RuneStart(run[token.End]) {
			t.Fatalf("%s: a token from %d to %d of %d bytes", name, begin, token.End, len(run))
		}
		begin = token.End
	}
	if begin != len(run) {
		t.Errorf("%s: the tokens end at %d of %d bytes", name, begin, len(run))
	}
}

func FuzzSegmenter(f *testing.F) {
	for _, run := range []string{"", "我来到北京清华大学", "東京都に住んでいます", "ゲームー", "a\x00\xff 中\u3099", "𠮷龘々〇"} {
		f.Add(run)
	}
	f.Fuzz(func(t *testing.T, run string) {
		run = strings.ToValidUTF8(run, "")
		s, fresh := dictionaries().NewSegmenter(), dictionaries().NewSegmenter()
		for range 2 { // what was cut before makes no difference
			chinese, japanese := s.Chinese(nil, run), s.Japanese(nil, run)
			checkTokens(t, "chinese", run, chinese)
			checkTokens(t, "japanese", run, japanese)
			if !slices.Equal(chinese, fresh.Chinese(nil, run)) || !slices.Equal(japanese, fresh.Japanese(nil, run)) {
				t.Errorf("%q is not cut alike twice", run)
			}
			s.Japanese(nil, "東京都に住んでいます")
			s.Chinese(nil, "我来到北京清华大学")
		}
	})
}

// FuzzDictionary shows that a damaged dictionary is an error and no panic, be it
// then or when it is used.
func FuzzDictionary(f *testing.F) {
	f.Add([]byte("rcZH\x02\x00\x00\x00\x10\x27\x01\x00\x00\x00\x00\x00\x2d\x4e\x00\x00\x64\x00"))
	f.Add([]byte("rcJA\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Segmenter{}
		if d, err := readChinese(data); err == nil {
			s.chinese = d
			checkTokens(t, "chinese", "中文", s.Chinese(nil, "中文"))
		}
		// Zeros for the many numbers that the input would have to guess.
		if d, err := readJapanese(append(data, make([]byte, 1<<16)...)); err == nil {
			s.japanese = d
			s.lattice.fit(d.ids)
			checkTokens(t, "japanese", "日本", s.Japanese(nil, "日本"))
		}
	})
}

// TestCosts makes sure that no sum of costs is more than its type holds.
func TestCosts(t *testing.T) {
	s := dictionaries().NewSegmenter()
	s.Japanese(nil, "")
	highest := 0
	for _, c := range s.japanese.connection {
		highest = max(highest, int(c), -int(c))
	}
	if perWord := highest + math.MaxInt16; perWord*maxRun > math.MaxInt32 {
		t.Errorf("%d words of %d each", maxRun, perWord)
	}
}

func BenchmarkChinese(b *testing.B) {
	s := dictionaries().NewSegmenter()
	run := "今天晚上一起玩游戏吗哈哈哈哈為什麼服務器又更新了"
	benchmark(b, run, s.Chinese)
}

func BenchmarkJapanese(b *testing.B) {
	s := dictionaries().NewSegmenter()
	run := "東京都に住んでいますゲームをしましょう"
	benchmark(b, run, s.Japanese)
}

func benchmark(b *testing.B, run string, cut func([]Token, string) []Token) {
	tokens := cut(nil, run)
	b.SetBytes(int64(len(run)))
	b.ReportAllocs()
	for b.Loop() {
		tokens = cut(tokens[:0], run)
	}
}
