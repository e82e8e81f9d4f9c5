package discrawl

import (
	"strconv"

	"rollcall/internal/importer/archive"
	"rollcall/internal/jsonscan"
	"rollcall/store"
)

// raw is what a message's JSON says that the columns do not.
type raw struct {
	hasAuthor          bool // it tells of the author, and so whether that is a bot
	bot, webhook       bool
	author             store.ID
	name               string
	kind               int64
	content            string
	isForward          bool
	reference          store.ID
	answered           store.ID // the author of the message that is answered
	forwarded          *archive.Forward
	poll               *archive.Poll
	stickers           []string
	username, nickname string
}

// readRaw reads a message as the tool's library writes it. Of what is no JSON it knows nothing.
func readRaw(text string) (r raw) {
	c := &jsonscan.Cursor{S: text}
	c.Members(func(key string) {
		switch key {
		case "author":
			r.readAuthor(c)
		case "member":
			c.Members(func(key string) {
				if key == "nick" {
					r.nickname = c.Value().Text()
				} else {
					c.Skip()
				}
			})
		case "webhook_id":
			r.webhook = id(c.Value()) != 0
		case "type":
			r.kind, _ = strconv.ParseInt(c.Value().Raw, 10, 64)
		case "content":
			r.content = c.Value().Text()
		case "message_reference":
			r.readReference(c)
		case "referenced_message":
			c.Members(func(key string) {
				if key == "author" {
					r.answered = idIn(c)
				} else {
					c.Skip()
				}
			})
		case "message_snapshots":
			r.readSnapshots(c)
		case "poll":
			r.readPoll(c)
		case "sticker_items":
			c.Elements(func() {
				c.Members(func(key string) {
					if key != "name" {
						c.Skip()
					} else if name := c.Value().Text(); name != "" {
						r.stickers = append(r.stickers, name)
					}
				})
			})
		default:
			c.Skip()
		}
	})
	switch {
	case r.nickname != "":
		r.name = r.nickname
	case r.name == "":
		r.name = r.username
	}
	if !r.isForward {
		r.forwarded = nil
	}
	return r
}

func (r *raw) readAuthor(c *jsonscan.Cursor) {
	c.Members(func(key string) {
		switch key {
		case "id":
			r.author = id(c.Value())
			r.hasAuthor = r.author != 0
		case "bot":
			r.bot = c.True()
		case "global_name":
			r.name = c.Value().Text()
		case "username":
			r.username = c.Value().Text()
		default:
			c.Skip()
		}
	})
}

func (r *raw) readReference(c *jsonscan.Cursor) {
	c.Members(func(key string) {
		switch key {
		case "type":
			r.isForward = c.Value().Raw == "1"
		case "message_id":
			r.reference = archive.MessageID(c.Value().Text())
		default:
			c.Skip()
		}
	})
}

// readSnapshots reads the message that is passed on, which is the first and only one.
func (r *raw) readSnapshots(c *jsonscan.Cursor) {
	c.Elements(func() {
		c.Members(func(key string) {
			if key != "message" || r.forwarded != nil {
				c.Skip()
				return
			}
			r.forwarded = new(archive.Forward)
			c.Members(func(key string) {
				switch key {
				case "content":
					r.forwarded.Content = c.Value().Text()
				case "attachments":
					r.forwarded.Attachments = c.Count()
				default:
					c.Skip()
				}
			})
		})
	})
}

func (r *raw) readPoll(c *jsonscan.Cursor) {
	var poll archive.Poll
	c.Members(func(key string) {
		switch key {
		case "question":
			poll.Question = textIn(c)
		case "answers":
			c.Elements(func() {
				c.Members(func(key string) {
					if key == "poll_media" {
						poll.Answers = append(poll.Answers, textIn(c))
					} else {
						c.Skip()
					}
				})
			})
		default:
			c.Skip()
		}
	})
	if poll.Question != "" || len(poll.Answers) > 0 {
		r.poll = &poll
	}
}

func id(v jsonscan.Value) store.ID {
	if v.Kind == jsonscan.Number {
		return archive.ID(v.Raw)
	}
	return archive.ID(v.Text())
}

func idIn(c *jsonscan.Cursor) (found store.ID) {
	c.Members(func(key string) {
		if key == "id" {
			found = id(c.Value())
		} else {
			c.Skip()
		}
	})
	return found
}

func textIn(c *jsonscan.Cursor) (text string) {
	c.Members(func(key string) {
		if key == "text" {
			text = c.Value().Text()
		} else {
			c.Skip()
		}
	})
	return text
}
