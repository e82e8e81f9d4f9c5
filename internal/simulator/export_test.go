package simulator

// AppendString is tested by itself: everything that is posted goes through it.
var AppendString = appendString
