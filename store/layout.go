package store

import (
	"slices"
	"strconv"
)

// The buckets; doc.go draws them.
var (
	bucketMeta        = []byte("meta")
	bucketRecords     = []byte("user_stats")
	bucketRecent      = []byte("recent")
	bucketTimeline    = []byte("timeline")
	bucketActivity    = []byte("activity")
	bucketProfiles    = []byte("profiles")
	bucketChannels    = []byte("channels")
	bucketGuilds      = []byte("guilds")
	bucketNames       = []byte("names")
	bucketState       = []byte("state")
	stateLastDates    = []byte("log_migration_state")
	stateLogFiles     = []byte("log_files")
	stateQuarantine   = []byte("quarantine")
	stateCursors      = []byte("channels")
	stateGaps         = []byte("gaps")
	stateOpenGaps     = []byte("gaps_open")
	stateEarly        = []byte("early")
	stateForgotten    = []byte("forgotten")
	stateTasks        = []byte("tasks")
	stateMarkers      = []byte("markers")
	stateDeparted     = []byte("departed")
	stateAccounts     = []byte("accounts")
	stateGuildCursors = []byte("guild_cursors")
	stateFloors       = []byte("floors")
	stateUnreadable   = []byte("unreadable")
	stateKnown        = []byte("known")
	statePassed       = []byte("passed")
	topBuckets        = append([][]byte{
		bucketMeta, bucketRecords, bucketRecent, bucketTimeline, bucketActivity, bucketProfiles, bucketChannels, bucketGuilds,
		bucketNames, bucketState,
	}, formatFourTop...)
	perGuildBuckets = [][]byte{bucketRecords, bucketTimeline, bucketActivity, bucketProfiles, bucketChannels}
	stateBuckets    = append([][]byte{
		stateLastDates, stateLogFiles, stateQuarantine, stateCursors, stateGaps, stateOpenGaps,
	}, slices.Concat(formatFourState, formatFiveState)...)
	keyFormat     = []byte("format")
	keyDatabaseID = []byte("id")
	keyCreated    = []byte("created")
	keyUpgrade    = []byte("upgrade") // how far an upgrade is that was begun, see step
)

// The buckets that formats 4 and 5 brought: a new file has them, and the step to that format
// makes them in an older one. topBuckets and stateBuckets contain them. A bucket with texts
// must be named in rekey.go, too, and in check.go.
var (
	formatFourTop   = [][]byte{}
	formatFourState = [][]byte{stateEarly, stateUnreadable, stateKnown, statePassed}
	formatFiveState = [][]byte{stateForgotten, stateTasks, stateMarkers, stateDeparted, stateAccounts, stateGuildCursors, stateFloors}
)

// bucketName is the name of a guild's nested bucket: its id in decimal, so that
// people can read it with the bbolt tool.
func bucketName(guild ID) []byte { return strconv.AppendUint(nil, uint64(guild), 10) }
