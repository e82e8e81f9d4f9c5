package kv

import "go.etcd.io/bbolt"

// The store's transactions, buckets and cursors are bbolt's, under names of our own: what
// they do is documented there, and this is the one place that says which engine it is.
type (
	// Tx is a transaction. Slices that its buckets and cursors return die with it.
	Tx = bbolt.Tx
	// Bucket is a bucket of a transaction.
	Bucket = bbolt.Bucket
	// Cursor is a cursor over a bucket.
	Cursor = bbolt.Cursor
)

// BulkFill is how full bbolt leaves a page that it splits, where many keys come at once or
// at the end. One page becomes several that are nearly full. A page that is split for the
// sake of a single key would leave behind a nearly full page, soon to be split again, and
// a nearly empty one: with small commits, BulkFill made the records' branch pages half as
// many again and the activity's leaves a quarter more.
const BulkFill = 0.9
