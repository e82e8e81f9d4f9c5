package words

import (
	"math"
	"math/rand/v2"
	"strings"
)

// talk returns messages as people write them: the words of a language, the
// most common ones most often, five words in half of the messages, one in a
// hundred with forty and more; now and then a link, a mention, an emoji.
func talk(n int, languages ...spoken) []string {
	r := rand.New(rand.NewPCG(1, 2))
	total := 0
	for _, l := range languages {
		total += l.share
	}
	messages := make([]string, n)
	for i := range messages {
		at := r.IntN(total)
		for _, l := range languages {
			if at -= l.share; at < 0 {
				messages[i] = l.message(r)
				break
			}
		}
	}
	return messages
}

type spoken struct {
	share int
	space string
	words []string
}

func (l spoken) message(r *rand.Rand) string {
	zipf := rand.NewZipf(r, 1.1, 4, uint64(len(l.words)-1))
	words := make([]string, 1+int(math.Exp(1.5+0.95*r.NormFloat64())))
	for i := range words {
		words[i] = l.words[zipf.Uint64()]
	}
	text := strings.Join(words, l.space)
	switch r.IntN(40) {
	case 0:
		text = "https://example.org/watch?v=dQw4w9WgXcQ " + text
	case 1:
		text = "<@812345678901234567> " + text
	case 2, 3, 4:
		text += " 😂"
	case 5, 6:
		text += " <:pog:812345678901234567>"
	}
	return text
}

// everybody is a guild where most people write English.
func everybody() []spoken {
	return []spoken{english(68), mandarin(11), nihongo(9), korean(7)}
}

func english(share int) spoken {
	return spoken{share, " ", strings.Fields(`the I to a and it is you that in of just for on so like this but not
		have be was with what my if can do they we get lol yeah no at are all one would up think when know there good
		how time really out about me from some more who then see now an too because game people want make still someone
		tomorrow works server update tonight stream probably thanks weekend actually problem screenshot version don't
		absolutely interesting configuration understand completely performance announcement championship unbelievable`)}
}

func mandarin(share int) spoken {
	return spoken{share, "", strings.Fields(`的 我 是 了 不 你 在 有 好 就 这个 也 都 什么 可以 没有 他们 怎么 知道 今天 一起 游戏 真的
		现在 觉得 明天 大家 谢谢 时间 朋友 晚上 有人 服务器 更新 问题 喜欢 厉害 等一下 哈哈哈哈 為什麼 伺服器 ， 。`)}
}

func nihongo(share int) spoken {
	return spoken{share, "", strings.Fields(`の は に が を です ます これ それ した から でも って する いい ない ありがとう 今日 明日 ゲーム 時間
		すごい みんな 一緒に お疲れ様 サーバー アップデート 楽しい 面白い おはよう ちょっと 待って わかる たぶん 眠い 草 。`)}
}

func korean(share int) spoken {
	return spoken{share, " ", strings.Fields(`이 그 저는 오늘 진짜 너무 같이 게임 하고 있어요 없어요 그래서 지금 내일 시간 감사합니다 안녕하세요 좋아요
		아니 근데 누가 뭐 왜 사람들 서버 업데이트 재밌다 그냥 알겠어요 괜찮아요 대박 ㅋㅋㅋㅋ`)}
}
