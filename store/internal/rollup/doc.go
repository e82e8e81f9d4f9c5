// Package rollup has what is kept beside the records so that questions are answered without
// reading them: the Timeline, which tells who wrote when, and the Activity, which tells how
// many messages each user wrote in which channel in which quarter hour. Both are a matter of
// the records alone, and can be made of them again.
//
// A write transaction gathers Changes, a record that came or went each, and applies them
// to both. GuildTally, UserTally and UserSums add up weeks of activity in a calendar: every
// zone's days and hours begin on a quarter hour.
package rollup
