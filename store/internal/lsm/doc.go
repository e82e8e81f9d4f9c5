// Package lsm keeps the records of a guild in key order, whatever layer holds them: the main
// bucket, which has nearly all, the runs of what came lately, and what a write transaction
// has added and not placed yet. Who reads sees one sequence of keys.
//
// It is a small log-structured merge tree inside one transaction of bbolt: what was added is
// its memtable, a run is a sorted run, the list of a guild's runs is the manifest, and the
// main bucket is the last level. A write transaction adds and replaces records, asks Plan
// what is to become of them, enters what the plan asks for in its counts, and calls Apply.
package lsm
