package export

import (
	"rollcall/store"
)

// Sink takes what is exported, in the order that the package's comment tells. A reader stops
// with the first error that it returns.
type Sink interface {
	// Guild begins a guild.
	Guild(Guild) error
	// Channel adds a channel or thread of the present guild.
	Channel(Channel) error
	// User begins a user of the present guild, who has at least one record.
	User(User) error
	// Record adds a record of the present user. What it points to is good until Record returns,
	// but its strings stay.
	Record(*store.Record) error
}

// Guild is a guild; Name is "" if it is not known.
type Guild struct {
	ID   store.ID
	Name string
}

// Channel is a channel or thread. ID is 0 for one of which only logs tell, by name. Parent is
// a thread's channel, else 0.
type Channel struct {
	ID, Parent store.ID
	Name       string
}

// User is a user in a guild; Name is "" if it is not known.
type User struct {
	ID   store.ID
	Name string
}

// Output is a Sink that makes a file or a folder.
type Output interface {
	Sink
	// Commit ends it and gives it its name.
	Commit() error
	// Discard removes what there is, unless it was committed.
	Discard()
}
