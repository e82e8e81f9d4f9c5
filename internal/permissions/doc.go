// Package permissions works out what a member of a Discord guild, or the bot itself,
// may read there. It knows Discord's rules and nothing of the gateway, REST or HTTP.
//
//	g := permissions.NewGuild(id)
//	g.SetOwner(owner)
//	g.SetRoles(roles)
//	g.SetChannel(general)
//	g.Reading(permissions.Member{User: user, Roles: roles}, general.ID) // Full: may read its history
//	g.Reading(permissions.Everyone, general.ID)                         // what anybody may read
//
// # Discord's rules
//
// The owner may do everything. Anybody else has what the role @everyone (its id is the
// guild's) and the member's own roles allow together; with ADMINISTRATOR that is
// everything. Then the channel's overwrites apply: first the one of @everyone, then
// those of the member's roles, all that they deny before all that they allow, then the
// member's own. A timeout takes nothing away from reading.
//
// To read a channel's history takes VIEW_CHANNEL and READ_MESSAGE_HISTORY, in voice and
// stage channels CONNECT as well. A thread has the rules of its parent. A private thread
// also takes MANAGE_THREADS, or being in it: Discord lists the members of a thread to
// nobody who is not there, so a caller can only know it of the thread that a member
// speaks from, and says so in Member.Inside.
//
// # Fail closed
//
// What is not known is not allowed: before the owner and the roles are known nobody may
// read anything, and of a channel of which nothing is known, or that is hidden from the
// bot so that its overwrites are not known, only the owner and ADMINISTRATOR may read.
package permissions
