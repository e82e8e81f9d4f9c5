// Package packed keeps a few bytes for each of many users in a bucket, in the order of users,
// under a prefix. A key of its own for each would be several times as large as what
// is kept, and reading many of them would mostly be stepping from key to key. So
// neighbouring users share a chunk:
//
//	prefix · user u64   →   { difference to the user before · length · value }*
//
// A chunk holds users from the one in its key up to the next chunk's; the first of
// a prefix has 0 there, so each user has exactly one place. Any other key is that of
// the chunk's first user: one who goes leaves nothing behind. The first difference
// is that to the key's user, each further one is at least 1.
package packed
