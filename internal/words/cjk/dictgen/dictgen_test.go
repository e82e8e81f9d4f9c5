package main

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ikawaha/kagome-dict/ipa"
	"github.com/ikawaha/kagome/v2/tokenizer"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/words/cjk"
)

// TestFiles makes sure that the embedded files have what this program writes,
// however they were compressed.
func TestFiles(t *testing.T) {
	unpack, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	for name, generate := range generators() {
		data, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(filepath.Join("..", "data", name))
		if err != nil {
			t.Fatal(err)
		}
		if file, err = unpack.DecodeAll(file, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(file, data) {
			t.Errorf("%s is not what it was made of: go run .", name)
		}
	}
}

// cut returns the words that a run is cut into.
func cut(run string, segment func([]cjk.Token, string) []cjk.Token) []string {
	var out []string
	begin := 0
	for _, t := range segment(nil, run) {
		out = append(out, run[begin:t.End])
		begin = t.End
	}
	return out
}

// TestJapaneseAsKagome cuts what was written by people, and nonsense made of the
// dictionary's words, as kagome does, which has the same dictionary.
func TestJapaneseAsKagome(t *testing.T) {
	kagome, err := tokenizer.New(ipa.DictShrink(), tokenizer.OmitBosEos())
	if err != nil {
		t.Fatal(err)
	}
	ours := cjk.New(time.Hour).NewSegmenter()
	check := func(run string) {
		t.Helper()
		want := []string{}
		for _, token := range kagome.Tokenize(run) {
			want = append(want, token.Surface)
		}
		if got := cut(run, ours.Japanese); !slices.Equal(got, want) {
			t.Errorf("%s: %v, kagome: %v", run, got, want)
		}
	}
	for _, run := range strings.Fields(`
		すもももももももものうち 東京都に住んでいます 国境の長いトンネルを抜けると雪国であった 吾輩は猫である 名前はまだ無い
		どこで生れたかとんと見当がつかぬ 何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している
		メロスは激怒した 必ず かの邪智暴虐の王を除かなければならぬと決意した ゲームセンターで遊んだ後カラオケに行った
		お疲れ様でした ありがとうございます めっちゃ面白かったわ それな わかりみが深い スマホゲームのガチャで爆死した
		関西国際空港限定トートバッグ 龘々〇ーーア`) {
		check(run)
	}
	words := someWords(t, japaneseWords(t))
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var run strings.Builder
		for range 1 + r.IntN(8) {
			run.WriteString(words[r.IntN(len(words))])
		}
		check(run.String())
	}
}

func japaneseWords(t *testing.T) []string {
	t.Helper()
	var words []string
	for word := range surfaces(ipa.Dict().Index.Da) {
		if _, ok := spell(word); ok {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

// TestChineseAsJieba does the same with the way that jieba goes, written down as
// simply as can be. Only words of equal cost may differ.
func TestChineseAsJieba(t *testing.T) {
	frequency, err := jieba()
	if err != nil {
		t.Fatal(err)
	}
	addVariants(frequency)
	total := 0.0
	for _, f := range frequency {
		total += f
	}
	costOf := func(words []string) (sum int) {
		for _, word := range words {
			sum += int(cost(max(1, frequency[word]), total))
		}
		return sum
	}
	ours := cjk.New(time.Hour).NewSegmenter()
	runs := strings.Fields(`
		我来到北京清华大学 研究生命起源 南京市长江大桥 今天晚上一起玩游戏吗 为什么服务器又更新了 為什麼伺服器又更新了
		结婚的和尚未结婚的 乒乓球拍卖完了 他说的确实在理 這裡的貓咪好可愛喔 小明硕士毕业于中国科学院计算所
		床前明月光 疑是地上霜 举头望明月 低头思故乡 我不知道你在說什麼 有人要一起打排位嗎`)
	words := someWords(t, slices.Sorted(maps.Keys(frequency)))
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var run strings.Builder
		for range 1 + r.IntN(8) {
			run.WriteString(words[r.IntN(len(words))])
		}
		runs = append(runs, run.String())
	}
	for _, run := range runs {
		got, want := cut(run, ours.Chinese), cheapest([]rune(run), costOf, frequency)
		if !slices.Equal(got, want) && costOf(got) != costOf(want) {
			t.Errorf("%s: %v, jieba: %v", run, got, want)
		}
	}
}

// cheapest returns the cheapest way to cut a run into words or single characters.
func cheapest(run []rune, costOf func([]string) int, frequency map[string]float64) []string {
	best := make([][]string, len(run)+1) // of what begins at a place
	for i := len(run) - 1; i >= 0; i-- {
		for end := i + 1; end <= len(run); end++ {
			word := string(run[i:end])
			if _, ok := frequency[word]; !ok && end > i+1 {
				continue
			}
			way := append([]string{word}, best[end]...)
			if best[i] == nil || costOf(way) < costOf(best[i]) {
				best[i] = way
			}
		}
	}
	return best[0]
}

// someWords takes a sample, short words more often: those make ambiguities.
func someWords(t *testing.T, words []string) []string {
	t.Helper()
	var sample []string
	for i, word := range words {
		if i%7 == 0 || len(word) <= 6 {
			sample = append(sample, word)
		}
	}
	if len(sample) < 1000 {
		t.Fatalf("%d words only", len(sample))
	}
	return sample
}
