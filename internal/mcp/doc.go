// Package mcp gives the memory to language models: tools of the Model Context Protocol, read-only, over
// the same answers as /v1.
//
//	s := mcp.New(mcp.Options{Ask: ask, Version: version, Log: log})
//	err := s.ServeStdio(ctx, os.Stdin, os.Stdout) // rollcall mcp
//	handler := s.HTTP(token)                      // /mcp
//
// A model must learn what it cannot know. Every answer has "coverage": from when to when anything is stored,
// how many gaps are open, how many channels cannot be read, how many texts of the answer are not kept. That
// nothing was found is said as such, never as "it was not said".
//
// Texts are data that strangers wrote. They come as values of JSON, never between the server's own words; their
// lengths are bounded, and characters that control how others are shown are written as their numbers.
//
// Options.Guilds and Options.Channels restrict what a model may see. What is outside is answered as if it
// did not exist.
//
// The SDK's typed tools are not used: they make of an id a number, which is rounded. Each tool has schemas of
// its own, in tools.json.
package mcp
