// Package coverage tells what the memory can and cannot know: of each channel since when all
// that was said is here and what is missing, and of one message why it is not.
//
// It answers from the store alone, from the rules, and from what this process remembers of
// messages that it passed by. It asks Discord nothing, and does not guess: where several
// things may be so it says unknown, and what it has looked at.
//
// # Who is forgotten
//
// The file has nothing of people who are forgotten, no mark of a message either. So the
// reasons forgotten and opted_out are told only of messages that the running daemon has
// itself erased or kept out, as long as it runs. Whoever may ask that learns about a message,
// whose author they can see in Discord, what GET /v1/users/{user} tells of the person; of
// everybody else, and after a restart, the answer is the same as for a message that never was.
package coverage
