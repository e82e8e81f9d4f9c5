package simulator_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/internal/simulator"
)

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := simulator.Start(simulator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	guild := s.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	general := guild.AddChannel(simulator.ChannelSpec{Name: "general"})
	ada := s.AddUser(simulator.UserSpec{Name: "Ada"})

	// The first client to identify is told to go away; a bot would come back.
	s.Next(simulator.AtIdentify, simulator.CloseWith(4000))
	for range 2 {
		bot, _, err := websocket.DefaultDialer.DialContext(ctx, s.GatewayURL()+"/?v=9&encoding=json", nil)
		if err != nil {
			log.Fatal(err)
		}
		defer bot.Close()
		bot.WriteJSON(map[string]any{"op": 2, "d": map[string]any{
			"token":   s.Token(),
			"intents": simulator.IntentGuilds | simulator.IntentGuildMessages | simulator.IntentMessageContent,
		}})
	}
	if err := s.WaitReady(ctx, 1); err != nil {
		log.Fatal(err)
	}

	m, err := general.Post(ctx, simulator.Draft{Author: ada, Content: "hello"})
	if err != nil {
		log.Fatal(err)
	}
	joined, err := general.Post(ctx, simulator.Draft{Author: ada, Type: simulator.TypeJoin})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.ChannelName, m.Content, m.Counts)
	fmt.Println(joined.Counts)
	fmt.Println(s.Stats().Identifies)
	// Output:
	// general hello true
	// false
	// 2
}
