// Package boltfile keeps one bbolt file: it creates and opens it under a lock, runs
// transactions, copies it while it is in use, puts a compacted copy in its place, and
// checks its pages. All that the store must know of bbolt's file, rather than of
// bbolt's buckets, is here; what lies in the buckets is nothing to this package.
//
// bbolt panics on damaged pages and reads beyond a truncated file. Every method turns
// that into an error that wraps kv.ErrDamaged.
package boltfile
