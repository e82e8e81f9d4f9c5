// Bench measures rollcall beside its peers. It is a module of its own, so that the
// product does not depend on them: run its commands in its folder. It needs Linux,
// and cgo for one of the two SQLites.
//
//	go run . run           every scenario; rewrites BENCHMARKS.md (half an hour)
//	go run . run -quick    less of everything (a minute), prints only
//	go run . run -only once -pairs 9
//	go run . corpus -out DIR -lines 1000000
//	go run . profile once cpu.prof
//
// # How it measures
//
// A scenario (scenario.go) is one job for several contenders: ours first, then the
// peers, each a plain function. Every run of a contender is a process of its own
// (process.go), so that its memory and its writes are its own; the contenders run in
// turn, A B A B, and what counts are the ratios within each pair, since whatever
// else the machine does touches both. A contender checks that it took in all that
// there was.
//
//   - once, many, batch (logs.go): made-up logs (package corpus) into a new file. The peers
//     read them with our line reader and a decoder that knows the one usual line
//     (decode.go), which alone is the ceiling; peer.go feeds their databases.
//   - live, latency, trickle (live.go): the simulated Discord, in a process of its
//     own (discord.go), before our tracker and store, or before discordgo alone;
//     beside (beside.go): the same while logs are migrated.
//   - ask (ask.go): questions of a database of ten million messages, over our
//     socket and in SQL.
//   - standby (standby.go): the daemon itself (daemon.go) with that database, how soon
//     it is ready and what it needs at rest.
//
// Real time and processor time are those of the contender's process, its database's
// opening and closing included. What is written to disk is the kernel's account of
// pages made dirty by it. Memory is the anonymous part of what is resident, looked at
// every 5 ms; the map of the database is the system's.
package main
