package corpus

// language is what somebody's messages are made of.
type language struct {
	words []string // the most common first
	space string   // between words
	stop  []string // at the end of a sentence
	share int      // of the people, in percent
}

func languages() []language {
	return []language{{
		share: 68, space: " ", stop: []string{"", "", "", ".", "!", "?", "...", " lol"},
		words: []string{
			"the", "I", "to", "a", "and", "it", "is", "you", "that", "in", "of", "just", "for", "on", "so", "like", "this", "but", "not", "have",
			"be", "was", "with", "what", "my", "if", "can", "do", "they", "we", "get", "lol", "yeah", "no", "at", "are", "all", "one", "would", "up",
			"think", "when", "know", "there", "good", "how", "time", "really", "out", "about", "me", "from", "some", "more", "who", "then", "see", "now", "an", "too",
			"because", "game", "people", "want", "make", "still", "someone", "tomorrow", "works", "server", "update", "tonight", "stream", "probably", "thanks", "weekend", "actually", "problem", "screenshot", "version",
			"und", "ist", "nicht", "das", "größer", "Käse", "que", "está", "mañana", "porque", "c'est", "déjà", "très", "você", "não", "então", "jest", "się", "dzięki", "için",
			"absolutely", "interesting", "configuration", "understand", "completely", "performance", "announcement", "championship", "unbelievable", "notifications",
		},
	}, {
		share: 11, space: "", stop: []string{"", "", "。", "！", "？", "～", "哈哈"},
		words: []string{
			"的", "我", "是", "了", "不", "你", "在", "有", "好", "就", "这个", "也", "都", "什么", "可以", "没有", "他们", "怎么", "知道", "今天",
			"一起", "游戏", "真的", "现在", "觉得", "明天", "大家", "谢谢", "时间", "朋友", "晚上", "有人", "服务器", "更新", "问题", "喜欢", "厉害", "等一下", "哈哈哈哈", "為什麼",
		},
	}, {
		share: 9, space: "", stop: []string{"", "", "。", "！", "？", "笑", "w", "です", "よね"},
		words: []string{
			"の", "は", "に", "が", "を", "です", "ます", "これ", "それ", "した", "から", "でも", "って", "する", "いい", "ない", "ありがとう", "今日", "明日", "ゲーム",
			"時間", "すごい", "みんな", "一緒に", "お疲れ様", "サーバー", "アップデート", "楽しい", "面白い", "おはよう", "ちょっと", "待って", "わかる", "たぶん", "眠い", "草",
		},
	}, {
		share: 7, space: " ", stop: []string{"", "", ".", "!", "?", "ㅋㅋ", "요", "ㅠㅠ"},
		words: []string{
			"이", "그", "저는", "오늘", "진짜", "너무", "같이", "게임", "하고", "있어요", "없어요", "그래서", "지금", "내일", "시간", "감사합니다", "안녕하세요", "좋아요", "아니", "근데",
			"누가", "뭐", "왜", "사람들", "서버", "업데이트", "재밌다", "그냥", "알겠어요", "괜찮아요", "대박", "ㅋㅋㅋㅋ",
		},
	}, {
		share: 5, space: "", stop: []string{""},
		words: emoji(),
	}}
}

// emoji are of one code point, of several, and of guilds' own.
func emoji() []string {
	return []string{
		"😂", "❤️", "🔥", "👍", "😭", "🙏", "🎉", "😅", "👀", "💀", "✨", "🤔", "😍", "🥲", "👋🏽", "🤷‍♀️", "🏳️‍🌈", "🇩🇪", "👨‍👩‍👧", "☕",
		"<:pog:812345678901234567>", "<a:party:823456789012345678>", "<:catjam:834567890123456789>",
	}
}

func channels() []string {
	return []string{
		"general", "memes", "off-topic", "一般聊天", "gaming", "music", "雑談", "help", "bot-commands", "잡담", "art-and-photos", "📢・news",
		"movie-night", "support", "weekend plans", "開發討論",
	}
}
