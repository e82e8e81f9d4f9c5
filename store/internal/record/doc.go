// Package record defines how a message is stored: its Key, which orders the records of a
// guild by user and time; its Value, with the texts, which may be encrypted; and the block
// in which neighbouring records share one value of bbolt. It knows nothing of buckets.
package record
