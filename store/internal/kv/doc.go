// Package kv has what every layer of the store needs to keep values in bbolt's buckets:
// big-endian keys, checksummed values, seeks that bbolt lacks, and memory that lives as
// long as a transaction. It knows nothing of what the values mean.
package kv
