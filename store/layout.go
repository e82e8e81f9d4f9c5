package store

import (
	"encoding/binary"
	"strconv"
)

// The buckets; doc.go draws them.
var (
	bucketMeta      = []byte("meta")
	bucketRecords   = []byte("user_stats")
	bucketRecent    = []byte("recent")
	bucketTimeline  = []byte("timeline")
	bucketActivity  = []byte("activity")
	bucketProfiles  = []byte("profiles")
	bucketChannels  = []byte("channels")
	bucketGuilds    = []byte("guilds")
	bucketNames     = []byte("names")
	bucketState     = []byte("state")
	stateLastDates  = []byte("log_migration_state")
	stateLogFiles   = []byte("log_files")
	stateQuarantine = []byte("quarantine")
	stateCursors    = []byte("channels")
	stateGaps       = []byte("gaps")
	stateOpenGaps   = []byte("gaps_open")
	stateTombstones = []byte("tombstones")
	stateEarly      = []byte("early")
	stateUnreadable = []byte("unreadable")
	stateKnown      = []byte("known")
	statePassed     = []byte("passed")
	topBuckets      = append([][]byte{bucketMeta, bucketRecords, bucketRecent, bucketTimeline, bucketActivity, bucketProfiles, bucketChannels, bucketGuilds, bucketNames, bucketState}, formatFourTop...)
	perGuildBuckets = [][]byte{bucketRecords, bucketTimeline, bucketActivity, bucketProfiles, bucketChannels}
	stateBuckets    = append([][]byte{stateLastDates, stateLogFiles, stateQuarantine, stateCursors, stateGaps, stateOpenGaps, stateTombstones}, formatFourState...)
	keyFormat       = []byte("format")
	keyDatabaseID   = []byte("id")
	keyCreated      = []byte("created")
)

// The buckets that format 4 brought: a new file has them, and toFormatFour makes them
// in an older one. topBuckets and stateBuckets contain them. A bucket with texts must be
// named in rekey.go, too, and in check.go.
var (
	formatFourTop   = [][]byte{}
	formatFourState = [][]byte{stateEarly, stateUnreadable, stateKnown, statePassed}
)

const (
	// logMark is set in the key of every record that has no message id. No
	// snowflake has it before the year 2084.
	logMark = 1 << 63

	recordKeySize = 24
)

// bucketName is the name of a guild's nested bucket: its id in decimal, so that
// people can read it with the bbolt tool.
func bucketName(guild ID) []byte { return strconv.AppendUint(nil, uint64(guild), 10) }

// recordKey orders records by user, time, message: user u64 · time i64 with its
// sign flipped · message id or log key u64.
type recordKey struct {
	user ID
	time Micros
	id   uint64
}

func (k recordKey) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(k.user))
	b = binary.BigEndian.AppendUint64(b, uint64(k.time)^(1<<63))
	return binary.BigEndian.AppendUint64(b, k.id)
}

func (k recordKey) isLog() bool { return k.id&logMark != 0 }

func parseRecordKey(b []byte) (recordKey, bool) {
	if len(b) != recordKeySize {
		return recordKey{}, false
	}
	return recordKey{
		user: ID(binary.BigEndian.Uint64(b)),
		time: Micros(binary.BigEndian.Uint64(b[8:]) ^ (1 << 63)),
		id:   binary.BigEndian.Uint64(b[16:]),
	}, true
}

// compare orders keys as their bytes are ordered.
func (k recordKey) compare(o recordKey) int {
	switch {
	case k.user != o.user:
		return order(k.user, o.user)
	case k.time != o.time:
		return order(k.time, o.time)
	default:
		return order(k.id, o.id)
	}
}

func order[T ID | Micros | uint64 | uint32 | int64](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}
