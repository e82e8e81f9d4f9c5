// Package web is the web page: a community at a glance, a person as the memory knows them,
// search, coverage and status.
//
//	door := web.NewDoor(web.DoorOptions{Token: token, Base: base})
//	handler, err := web.Over(server.TCP(), web.Options{API: server.Socket(), Door: door, Log: log})
//
// The pages are made on the server (html/template, charts as SVG) from the answers of /v1, which
// are asked for in the process. They work without JavaScript; one small module adds what arrives
// live. Nothing is loaded from elsewhere, and the policy that is sent with each page forbids it.
//
// # Signing in
//
// A Door decides who is let in. It makes one-time links, which the daemon hands out over its
// socket, takes the API token in a form, and keeps the sessions, in memory alone: a restart
// ends them. Whoever is signed in is the operator, who may see all and erase people.
//
//	/                                    the servers
//	/g/{guild}                           a server: window, since, until, tz, by
//	/g/{guild}/chart/{name}              its charts as files: .svg and .csv
//	/g/{guild}/live                      its newest messages as they arrive (server-sent events)
//	/g/{guild}/search                    q, tz, cursor
//	/g/{guild}/around/{message}          what was said before and after a message
//	/g/{guild}/coverage                  what the memory can and cannot know, by channel
//	/g/{guild}/u/{user}                  a person: window, since, until, tz
//	/g/{guild}/u/{user}/export, erase    everything that is stored of them; to forget them
//	/status                              how the daemon is
//	/sessions                            who is signed in
//	/login, /logout
//	/assets/{name}                       style and script, named by their content
//
// Every filter is in the address. A form that changes something is refused to other sites' pages
// (http.CrossOriginProtection, and a cookie that is SameSite=Strict).
package web
