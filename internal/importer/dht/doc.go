// Package dht reads the archives of Discord History Tracker, schemas 1 to 11 and, as far
// as they have the same columns, newer ones.
//
// An archive does not tell bots from people: a bot is a user without a discriminator. An
// archive that was made of a text archive of the tool's first years has none for anybody,
// and there all count. Nor does it tell types: the tool keeps what people write, and
// threads' copies of the messages that began them, which refer to their own channel.
package dht
