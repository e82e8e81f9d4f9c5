package kv

// BulkFill is how full bbolt leaves a page that it splits, where many keys come at once or
// at the end. One page becomes several that are nearly full. A page that is split for the
// sake of a single key would leave behind a nearly full page, soon to be split again, and
// a nearly empty one: with small commits, BulkFill made the records' branch pages half as
// many again and the activity's leaves a quarter more.
const BulkFill = 0.9
