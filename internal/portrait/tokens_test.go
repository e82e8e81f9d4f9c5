package portrait_test

import (
	"testing"

	"rollcall/internal/portrait"
)

// The counts are the highest of cl100k_base, o200k_base and Llama 3, as gpt-tokenizer
// 3 and llama3-tokenizer-js 1 count them.
func TestTokens(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		count int
	}{
		"english":     {"I finally got the new build running on my laptop, but the shaders still flicker when I move the camera too fast. Anyone else seen this?", 30},
		"facts":       {"First message 2024-03-02, last 2026-05-11; 12345 messages on 400 days. Most active from 18 to 23 o'clock (Asia/Kathmandu).", 45},
		"id":          {"User 222222222222222222 in guild 111111111111111111.", 18},
		"german":      {"Ich hätte gern gewusst, ob die Datenbankwiederherstellung über das Kommandozeilenwerkzeug überhaupt funktioniert.", 30},
		"chinese":     {"我昨天把新的数据库迁移脚本跑了一遍，结果发现有三千多条记录重复了，你们有没有遇到过这种情况？", 51},
		"traditional": {"我昨天把新的資料庫遷移腳本跑了一遍，結果發現有三千多條記錄重複了，你們有沒有遇過這種情況？", 70},
		"japanese":    {"昨日のイベントはとても楽しかったです。来週もまた一緒にゲームをしましょう！", 41},
		"korean":      {"어제 새로 나온 게임을 해봤는데 그래픽이 정말 예쁘더라고요. 같이 하실 분 계신가요?", 50},
		"russian":     {"Вчера я наконец-то собрал новый компьютер, и теперь всё работает гораздо быстрее.", 39},
		"thai":        {"เมื่อวานนี้ฉันไปดูหนังกับเพื่อนๆสนุกมากเลย", 40},
		"arabic":      {"ذهبت أمس إلى السوق واشتريت بعض الفواكه الطازجة", 35},
		"hindi":       {"कल मैं अपने दोस्तों के साथ फिल्म देखने गया था और बहुत मज़ा आया", 63},
		"emoji":       {"😀🎉🔥👍🏽👨‍👩‍👧‍👦🇩🇪❤️", 41},
		"code":        {"func (db *DB) view(ctx context.Context, fn func(*bbolt.Tx) error) (err error) { return nil }", 28},
		"a key":       {"dGhpcyBpcyBhIHRlc3Qgb2YgYmFzZTY0IHN0cmluZ3MgYW5kIGhvdyB0aGV5", 47},
		"smashed":     {"asdfghjklqwertyuiopzxcvbnm", 14},
		"digits":      {"31415926535897932384626433832795", 11},
		"zalgo":       {"h̸̢̛e̵͓͝l̶̰̈́l̷̬̈o̴͇͋", 36},
		"rare":        {"𠮷野家𠀀𡃁㗎", 16},
		"styled":      {"𝓗𝓮𝓵𝓵𝓸 𝔀𝓸𝓻𝓵𝓭", 30},
		"nothing":     {"", 0},
	} {
		n := portrait.Tokens(c.text)
		if n < c.count*9/10 {
			t.Errorf("%s: counted %d, others count %d", name, n, c.count)
		}
		if n > c.count*3 {
			t.Errorf("%s: counted %d, others count only %d", name, n, c.count)
		}
	}
}
