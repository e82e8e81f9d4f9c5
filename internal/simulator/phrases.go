package simulator

// language is what people say in one language. In a sentence {game}, {food}, {day} and {who} stand
// for a word of the same table, {n} for a number.
type language struct {
	names     []string
	sentences []string
	games     []string
	foods     []string
	days      []string
}

// languages are the ones that the chatter's people speak, the most common first.
func languages() []language {
	return []language{{
		names: []string{"Ada", "Marlow", "quietfox", "Jules", "Nell", "Tobias K", "sunny side", "Rook", "Imani", "pixelpunk"},
		sentences: []string{
			"anyone up for {game} {day}?", "lol", "{who} did you see that", "brb making {food}", "that patch broke everything again",
			"ok that was actually impressive", "my cat just walked over the keyboard, sorry", "wait, what?", "good morning everyone",
			"I finished chapter {n} and I have questions", "can somebody pin this please", "{n}% battery left, wish me luck",
			"we need more {food} and fewer meetings", "hahaha no way", "I'll be there {day} around {n}", "thanks {who}!",
			"does it work on your machine?", "it's raining again here", "gg", "reminder: {game} night is {day}",
			"I have been stuck on level {n} of {game} for a week and I am slowly losing my mind over it, any hints are welcome",
		},
		games: []string{"Catan", "chess", "Stardew", "Factorio", "Rocket League"}, foods: []string{"pizza", "coffee", "noodles", "tea", "pancakes"},
		days: []string{"tonight", "tomorrow", "on friday", "this weekend"},
	}, {
		names: []string{"Käthe", "Jörg aus Köln", "Fräulein Wunder", "Bjarne", "Lütte"},
		sentences: []string{
			"moin zusammen", "wer ist {day} bei {game} dabei?", "ich hole mir erstmal {food}", "das glaub ich nicht, {who}", "läuft bei uns 😄",
			"schon {n} Grad, viel zu heiß", "genau so war's gemeint", "Feierabend!", "kann mir jemand mit Übung {n} helfen?", "größer, schneller, müder",
		},
		games: []string{"Schach", "Doppelkopf", "Minecraft"}, foods: []string{"Käsekuchen", "Kaffee", "Spätzle"}, days: []string{"heute Abend", "morgen", "am Samstag"},
	}, {
		names: []string{"Noémie", "le grand Léo", "Zoé", "François D."},
		sentences: []string{
			"salut tout le monde", "on joue à {game} {day} ?", "j'ai déjà mangé {n} {food}, je regrette rien", "t'es sérieux {who} ?", "ça marche très bien chez moi",
			"mdr", "quelqu'un a le lien ?", "à demain, bonne nuit", "c'était pas prévu ça",
		},
		games: []string{"la belote", "Mario Kart", "Zelda"}, foods: []string{"crêpes", "croissants", "tartines"}, days: []string{"ce soir", "demain", "dimanche"},
	}, {
		names: []string{"Íñigo", "Luz", "Martín el de siempre", "La Peña"},
		sentences: []string{
			"¡buenas!", "¿quién se apunta a {game} {day}?", "jajaja qué locura", "voy por {food}, ahora vuelvo", "{who} te toca", "llevo {n} horas con esto",
			"mañana os cuento", "no me lo puedo creer", "está lloviendo otra vez, ¡qué año!",
		},
		games: []string{"el mus", "Hades", "fútbol"}, foods: []string{"tortilla", "churros", "mate"}, days: []string{"esta noche", "mañana", "el viernes"},
	}, {
		names: []string{"さくら", "タケシ", "ねこ大好き", "yuki_雪"},
		sentences: []string{
			"おはようございます", "{day}、{game}やりませんか?", "草", "それは知らなかった!", "{food}食べてきます", "{n}時に集合で", "{who}さん、ありがとう",
			"お疲れ様でした", "眠い……", "もう一回お願いします",
		},
		games: []string{"将棋", "スプラ", "モンハン"}, foods: []string{"ラーメン", "おにぎり", "カレー"}, days: []string{"今夜", "明日", "週末"},
	}, {
		names: []string{"Ольга", "тихий Саша", "Миша777"},
		sentences: []string{
			"всем привет", "кто {day} в {game}?", "ахахах", "я за {food}, скоро вернусь", "{who}, это гениально", "осталось {n} минут", "у меня всё работает", "спокойной ночи!",
		},
		games: []string{"шахматы", "доту", "мафию"}, foods: []string{"чаем", "пирогом", "супом"}, days: []string{"сегодня", "завтра", "в субботу"},
	}, {
		names: []string{"小明", "阿珍", "夜猫子"},
		sentences: []string{
			"大家好", "{day}有人玩{game}吗?", "哈哈哈哈", "我先去吃{food}", "{who}说得对", "还差{n}个", "这也太快了吧", "晚安,明天见",
		},
		games: []string{"原神", "象棋", "麻将"}, foods: []string{"火锅", "饺子", "面条"}, days: []string{"今晚", "明天", "周末"},
	}, {
		names: []string{"João", "Bia", "Zé da Silva"},
		sentences: []string{
			"bom dia, pessoal", "bora jogar {game} {day}?", "kkkkkkk", "vou buscar {food}, já volto", "{who} você é demais", "faltam só {n}", "não acredito nisso", "até amanhã então",
		},
		games: []string{"truco", "Valorant", "futebol"}, foods: []string{"pão de queijo", "café", "açaí"}, days: []string{"hoje", "amanhã", "no sábado"},
	}, {
		names: []string{"ليلى", "أبو عمر"},
		sentences: []string{
			"السلام عليكم", "من يلعب {game} {day}؟", "ههههه", "سأعود بعد {food}", "شكرا {who}", "بقي {n} دقائق", "ما شاء الله، عمل رائع",
		},
		games: []string{"الشطرنج", "فيفا"}, foods: []string{"الشاي", "الغداء"}, days: []string{"الليلة", "غدا"},
	}, {
		names: []string{"민수", "하늘토끼"},
		sentences: []string{
			"안녕하세요!", "{day} {game} 하실 분?", "ㅋㅋㅋㅋ", "{food} 먹고 올게요", "{who}님 감사합니다", "{n}분 남았어요", "진짜요? 대박", "다들 잘 자요",
		},
		games: []string{"롤", "배그", "바둑"}, foods: []string{"떡볶이", "김밥", "커피"}, days: []string{"오늘 밤", "내일", "주말에"},
	}, {
		names: []string{"Şule", "Çağrı"},
		sentences: []string{
			"herkese selam", "{day} {game} oynayan var mı?", "ahahaha süper", "{food} molası", "{who} haklı", "{n} dakika kaldı", "yarın görüşürüz, iyi geceler",
		},
		games: []string{"okey", "tavla"}, foods: []string{"çay", "simit"}, days: []string{"bu akşam", "yarın"},
	}, {
		names: []string{"आरव", "मीरा"},
		sentences: []string{
			"नमस्ते सबको", "{day} {game} कौन खेलेगा?", "हाहाहा", "मैं {food} लेकर आता हूँ", "धन्यवाद {who}", "बस {n} मिनट और",
		},
		games: []string{"क्रिकेट", "लूडो"}, foods: []string{"चाय", "समोसा"}, days: []string{"आज रात", "कल"},
	}}
}

// smileys end some sentences; the last ones are made of several code points, or are a guild's own.
func smileys() []string {
	return []string{
		" 😂", " ❤️", " 👍", " 🎉", " 😭", " 🔥", " 👀", " 🙏", " ☕", " ✨", " 👨‍👩‍👧", " 🏳️‍🌈", " 🇩🇪", " 👋🏽",
		" <:pog:812345678901234567>", " <a:party:823456789012345678>",
	}
}

// stickers are the names of some.
func stickers() []string {
	return []string{"Wave", "Party Parrot", "晚安", "Спасибо", "=^.^="}
}
